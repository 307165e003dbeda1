import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Stage } from "../configuration/schema.ts";
import { FirstSecrets } from "../constructs/first-secrets.ts";
import { MailSender } from "../constructs/mail-sender.ts";
import { ProductFunctions } from "../constructs/product-functions.ts";
import type { FunctionCode } from "../constructs/service-function.ts";
import { type EventsStack, functionTimeouts } from "./events-stack.ts";
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
      timeouts: functionTimeouts,
      mail: this.mail,
      serverName: stage.name,
      logRetention,
    });
    this.firstSecrets = new FirstSecrets(this, "FirstSecrets", {
      code: code("first-secrets"),
      hostKeys: store.hostKeys,
      tls: store.tls,
      tokenKeys: store.tokenKeys,
      hostName: stage.gateway.hostName ?? `${stage.name}.invalid`,
      logRetention,
    });
  }
}
