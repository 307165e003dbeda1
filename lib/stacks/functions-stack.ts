import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { environmentNames } from "../../adapters/aws/env.ts";
import type { Stage } from "../configuration/schema.ts";
import type { ExternalLogins } from "../constructs/external-logins.ts";
import { FirstSecrets } from "../constructs/first-secrets.ts";
import { MailSender } from "../constructs/mail-sender.ts";
import { grantConnectors, ManagedTransferRole } from "../constructs/managed-transfer.ts";
import { ProductFunctions } from "../constructs/product-functions.ts";
import type { FunctionCode } from "../constructs/service-function.ts";
import type { EventsStack } from "./events-stack.ts";
import type { StoreStack } from "./store-stack.ts";

export interface FunctionsStackProps extends StackProps {
  readonly stage: Stage;
  readonly code: FunctionCode;
  readonly store: StoreStack;
  readonly events: EventsStack;
}

/** What runs when something happens, and the identity that alerts are sent from. */
export class FunctionsStack extends Stack {
  readonly mail: MailSender;
  readonly functions: ProductFunctions;
  readonly firstSecrets: FirstSecrets;

  constructor(scope: Construct, id: string, props: FunctionsStackProps) {
    super(scope, id, props);
    const { stage, code, store, events } = props;
    const logRetention = stage.retention.logDays;
    this.mail = new MailSender(this, "Mail", stage.mail);
    this.functions = new ProductFunctions(this, "Functions", {
      code,
      files: store.files,
      audit: store.audit,
      table: store.table,
      tokenKeys: store.tokenKeys,
      bus: events.bus,
      queues: events.queues,
      mail: this.mail,
      logins: loginsOf(props),
      scan: stage.scan.kind === "guardduty" ? stage.scan : undefined,
      quarantineDays: stage.retention.quarantineDays,
      pgpKeys: store.pgpKeys && { secret: store.pgpKeys, names: stage.pgpKeys },
      serverName: stage.name,
      logRetention,
    });
    this.#serveManagedTransfer(props);
    this.firstSecrets = new FirstSecrets(this, "FirstSecrets", {
      code: code("first-secrets"),
      hostKeys: store.hostKeys,
      tls: store.tls,
      tokenKeys: store.tokenKeys,
      hostName: stage.gateway.hostName ?? `${stage.name}.invalid`,
      logRetention,
    });
  }

  /** A managed server asks custom-auth, which answers with this role; connectors are started by pushes and pulls. */
  #serveManagedTransfer({ stage: { managedTransfer }, store }: FunctionsStackProps): void {
    const { customAuth, transfers } = this.functions;
    if (managedTransfer.server) {
      const { role } = new ManagedTransferRole(this, "ManagedTransfer", { files: store.files });
      customAuth.function.addEnvironment(environmentNames.transferRole, role.roleArn);
      customAuth.function.addEnvironment(environmentNames.dataEncryptionKey, store.encryptionKey.kmsKey.keyArn);
    }
    if (managedTransfer.connectors.length > 0) grantConnectors(transfers);
  }
}

function loginsOf({ stage: { authentication }, store }: FunctionsStackProps): ExternalLogins | undefined {
  const { http } = authentication;
  const { authenticationHeaders: headers } = store;
  return http && headers && { http, headers };
}
