import type { CloudFormationCustomResourceEvent } from "aws-lambda";
import { createSecretsClient } from "../adapters/aws/clients.ts";
import { type FirstSecrets, fillEmptySecrets } from "../adapters/aws/first-secrets.ts";

const client = createSecretsClient();

/** A custom resource of CloudFormation: fills empty secrets when it is created or changed, and deletes none. */
export async function handler(event: CloudFormationCustomResourceEvent): Promise<void> {
  try {
    const filled = event.RequestType === "Delete" ? undefined : await fill(event.ResourceProperties);
    await answer(event, { Status: "SUCCESS", Data: { HostKeyFingerprints: filled?.hostKeyFingerprints.join(", ") } });
  } catch (error) {
    // CloudFormation waits for an answer until its time is over, so a failure has to be told.
    await answer(event, { Status: "FAILED", Reason: error instanceof Error ? error.message : "it failed" });
  }
}

function fill(properties: CloudFormationCustomResourceEvent["ResourceProperties"]): Promise<FirstSecrets> {
  return fillEmptySecrets({
    client,
    hostKeysSecret: properties.HostKeysSecret,
    tlsSecret: properties.TlsSecret,
    tokenKeysSecret: properties.TokenKeysSecret,
    hostName: properties.HostName,
    now: Date.now,
  });
}

interface Outcome {
  readonly Status: "SUCCESS" | "FAILED";
  readonly Reason?: string;
  readonly Data?: Readonly<Record<string, string | undefined>>;
}

/** The URL is signed; its answer may have no content type (S3 would refuse the signature). */
async function answer({ ResponseURL, StackId, RequestId, LogicalResourceId }: Request, outcome: Outcome) {
  const body = JSON.stringify({ PhysicalResourceId: "secrets", StackId, RequestId, LogicalResourceId, ...outcome });
  const response = await fetch(ResponseURL, { method: "PUT", body, headers: { "content-type": "" } });
  if (!response.ok) throw new Error(`CloudFormation's address answered ${response.status}`);
}

type Request = Pick<CloudFormationCustomResourceEvent, "ResponseURL" | "StackId" | "RequestId" | "LogicalResourceId">;
