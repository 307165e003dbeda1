import middy from "@middy/core";
import type { AuthenticationCall } from "../adapters/aws/authentication-call.ts";
import { readEnvironment } from "../adapters/aws/environment.ts";
import { isTransferFamilyEvent } from "../adapters/aws/transfer-family/answer.ts";
import { answerCall } from "./services/answer-call.ts";
import { answerManagedServer } from "./services/answer-managed-server.ts";
import { openServices } from "./services/session-services.ts";
import { variables } from "./services/variables.ts";

const { transferRole, encryptionKey, ...environment } = readEnvironment(process.env, variables);
const services = openServices(environment);
const { bucket } = environment;
const managed = transferRole === undefined ? undefined : { role: transferRole, bucket, encryptionKey };

/** Decides about logins: for the gateway, and as the custom identity provider of AWS Transfer Family. */
export const handler = middy<unknown, unknown>().handler((event) =>
  isTransferFamilyEvent(event)
    ? answerManagedServer(services, managed, event)
    : answerCall(services, event as AuthenticationCall),
);
