import middy from "@middy/core";
import { environmentNames } from "../adapters/aws/env.ts";
import { readEnvironment, requiredText } from "../adapters/aws/environment.ts";
import { createRequestAuthorizer } from "../service/management/request-authorizer.ts";
import { createTokenIdentifier } from "../service/session/token-identity.ts";
import { answerAuthorizer, answerQuestion, isAuthorizerEvent } from "./services/answer-authorize.ts";
import { openConfiguration } from "./services/configuration.ts";
import { openExternalAccounts } from "./services/external-accounts.ts";
import { runtime } from "./services/operator-log.ts";
import { openTable } from "./services/table.ts";
import { openTokens } from "./services/tokens.ts";
import { externalVariables } from "./services/variables.ts";

const { tokenKeys, ...environment } = readEnvironment(process.env, {
  table: requiredText(environmentNames.table),
  serverName: requiredText(environmentNames.serverName),
  tokenKeys: requiredText(environmentNames.tokenKeysSecret),
  ...externalVariables,
});
const table = openTable(environment.table);
const { accounts: onFile } = openConfiguration(table);
const accounts = openExternalAccounts({ ...environment, table, accounts: onFile }) ?? onFile;
const identify = createTokenIdentifier({ accounts, runtime, ...openTokens(table, tokenKeys) });
const authorize = createRequestAuthorizer(identify);

/** Decides by an account's rules: `{account, action, path}`, or what a Lambda authorizer of an HTTP API is asked. */
export const handler = middy<unknown, unknown>().handler((event) =>
  isAuthorizerEvent(event) ? answerAuthorizer(authorize, event) : answerQuestion(accounts, event),
);
