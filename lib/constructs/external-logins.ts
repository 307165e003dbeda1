import { environmentNames } from "../../adapters/aws/env.ts";
import type { Stage } from "../configuration/schema.ts";
import type { ControlTable } from "./control-table.ts";
import type { ProductSecret } from "./product-secret.ts";
import type { ServiceFunction } from "./service-function.ts";

export interface ExternalLogins {
  readonly http: NonNullable<Stage["authentication"]["http"]>;
  /** Holds the headers of the questions; it may be empty. */
  readonly headers: ProductSecret;
}

export interface LoginFunctions {
  /** Those that decide about logins. */
  readonly asking: readonly ServiceFunction[];
  /** Those that look accounts up. */
  readonly knowing: readonly ServiceFunction[];
}

/** Has functions ask an endpoint of the customer about logins, and find the accounts that it vouched for. */
export function askElsewhere(
  { http, headers }: ExternalLogins,
  table: ControlTable,
  { asking, knowing }: LoginFunctions,
): void {
  for (const made of [...asking, ...knowing]) {
    made.function.addEnvironment(environmentNames.authentication, JSON.stringify(http));
  }
  for (const made of knowing) table.grantPartitions(made, { read: ["vouched"] });
  for (const made of asking) {
    table.grantPartitions(made, { write: ["vouched"] });
    headers.grantRead(made);
    made.function.addEnvironment(environmentNames.authenticationSecret, headers.secret.secretArn);
  }
}
