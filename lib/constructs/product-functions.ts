import { Duration, aws_events as events, aws_events_targets as targets } from "aws-cdk-lib";
import { Construct } from "constructs";
import { environmentNames } from "../../adapters/aws/env.ts";
import type { AccountingBus } from "./accounting-bus.ts";
import type { AuditBucket } from "./audit-bucket.ts";
import type { ControlTable } from "./control-table.ts";
import { type EventQueues, functionTimeouts } from "./event-queues.ts";
import { askElsewhere, type ExternalLogins } from "./external-logins.ts";
import { admitToQuarantine, type FileBucket } from "./file-bucket.ts";
import type { LogRetention } from "./log-retention.ts";
import type { MailSender } from "./mail-sender.ts";
import { exemptFromScan } from "./malware-scan.ts";
import type { ProductSecret } from "./product-secret.ts";
import { type FunctionCode, type FunctionName, ServiceFunction } from "./service-function.ts";
import { deadLetterQueue } from "./work-queue.ts";

export interface ProductFunctionsProps {
  readonly code: FunctionCode;
  readonly files: FileBucket;
  readonly audit: AuditBucket;
  readonly table: ControlTable;
  readonly tokenKeys: ProductSecret;
  readonly bus: AccountingBus;
  readonly queues: EventQueues;
  readonly mail: MailSender;
  /** Who is asked about names that are not on file. @default nobody */
  readonly logins?: ExternalLogins | undefined;
  /** What of the files GuardDuty scans. @default nothing */
  readonly scan?: ScannedFiles | undefined;
  /** Days that infected files are kept in quarantine. @default 30 */
  readonly quarantineDays?: number | undefined;
  /** OpenPGP keys of dispatch rules. @default none */
  readonly pgpKeys?: PgpKeys | undefined;
  /** How events name the server. */
  readonly serverName: string;
  /** @default 90 days */
  readonly logRetention?: LogRetention;
}

export interface ScannedFiles {
  /** Of the keys of objects; none means all of them. */
  readonly prefixes: readonly string[];
  readonly deny: "infected" | "until-clean";
}

export interface PgpKeys {
  /** Holds the keys; operators fill it. */
  readonly secret: ProductSecret;
  readonly names: readonly { readonly name: string; readonly kind: "public" | "private" }[];
}

/** Where the accounting function writes within the audit bucket. */
export const archivePrefix = "events/";

/**
 * The functions, each with a role that fits what it does. None sees the bytes of a session; the container asks
 * `custom-auth` about logins and decides everything else itself.
 */
export class ProductFunctions extends Construct {
  readonly customAuth: ServiceFunction;
  readonly authorize: ServiceFunction;
  readonly accounting: ServiceFunction;
  readonly dispatch: ServiceFunction;
  readonly alerts: ServiceFunction;
  readonly httpApi: ServiceFunction;
  readonly scanResult: ServiceFunction;
  readonly transfers: ServiceFunction;
  /** Scheduled calls that failed. */
  readonly missedSchedules = deadLetterQueue(this, "MissedSchedules");
  readonly #props: ProductFunctionsProps;

  constructor(scope: Construct, id: string, props: ProductFunctionsProps) {
    super(scope, id);
    this.#props = props;
    this.customAuth = this.#customAuth();
    this.authorize = this.#authorize();
    this.accounting = this.#accounting();
    this.dispatch = this.#dispatch();
    this.alerts = this.#alerts();
    this.transfers = this.#transfers();
    this.scanResult = this.#scanResult();
    this.httpApi = this.#httpApi();
    if (props.logins) {
      const asking = [this.customAuth, this.httpApi];
      const knowing = [this.authorize, this.dispatch, this.scanResult, this.transfers];
      askElsewhere(props.logins, props.table, { asking, knowing });
    }
    if (props.pgpKeys) this.#useKeys(props.pgpKeys);
    if (props.scan) this.#awaitScans(props.scan);
  }

  get all(): Readonly<Record<Exclude<FunctionName, "first-secrets">, ServiceFunction>> {
    const { customAuth, authorize, accounting, dispatch, alerts, httpApi, scanResult, transfers } = this;
    return {
      "custom-auth": customAuth,
      authorize,
      accounting,
      dispatch,
      alerts,
      "http-api": httpApi,
      "scan-result": scanResult,
      transfers,
    };
  }

  /** Passwords are hashed with Argon2, which takes memory and processor time on purpose. */
  #customAuth(): ServiceFunction {
    const made = this.#make("custom-auth", "Decides logins", { timeout: Duration.seconds(30), memoryMiB: 1024 });
    this.#props.table.grantPartitions(made, { read: ["configuration"], write: ["failedLogins", "vouched"] });
    this.#props.bus.grantPutEvents(made);
    return made;
  }

  #authorize(): ServiceFunction {
    const made = this.#make("authorize", "Decides requests to paths and to the HTTP API", { memoryMiB: 1024 });
    this.#props.table.grantPartitions(made, { read: ["configuration", "sessions"] });
    this.#readTokenKeys(made);
    return made;
  }

  #accounting(): ServiceFunction {
    const { audit, table, queues } = this.#props;
    const made = this.#make("accounting", "Keeps accounting events", { timeout: functionTimeouts.accounting });
    made.addQueue(queues.accounting, { batchSize: 100, maxBatchingWindow: Duration.seconds(5) });
    table.grantPartitions(made, { write: ["audit"] });
    audit.grantAppend(made, archivePrefix);
    made.function.addEnvironment(environmentNames.archiveBucket, audit.bucket.bucketName);
    made.function.addEnvironment(environmentNames.archivePrefix, archivePrefix);
    // The counts of failed logins and the like are taken from its log.
    made.function.addEnvironment(environmentNames.auditLog, "true");
    return made;
  }

  #dispatch(): ServiceFunction {
    const { queues } = this.#props;
    const made = this.#make("dispatch", "Acts on events by dispatch rules", {
      timeout: functionTimeouts.dispatch,
      memoryMiB: 1024,
    });
    made.addQueue(queues.dispatch, { batchSize: 10, maxConcurrency: 20 });
    this.#moveFiles(made);
    return made;
  }

  #alerts(): ServiceFunction {
    const { table, bus, queues, mail } = this.#props;
    const made = this.#make("alerts", "Tells people by alert rules", { timeout: functionTimeouts.alerts });
    made.addQueue(queues.alerts, { batchSize: 10 });
    table.grantPartitions(made, { read: ["configuration", "audit"], write: ["automation"] });
    bus.grantPutEvents(made);
    mail.grantSend(made);
    made.function.addEnvironment(environmentNames.mailFrom, mail.from);
    this.#watch(made);
    return made;
  }

  /** Looks for files that were expected and are not there, and for what is about to expire. */
  #watch(watched: ServiceFunction): void {
    this.#schedule("Watch", "Missing files, expiring accounts, delayed alerts", { called: watched });
  }

  /** It works for a destination as long as Lambda lets it; calls of the next minutes work for the others. */
  #transfers(): ServiceFunction {
    const made = this.#make("transfers", "Pushes to destinations and pulls from them", {
      timeout: Duration.minutes(15),
      memoryMiB: 1024,
    });
    this.#schedule("DueTransfers", "Pushes that wait, pulls that are due", { called: made });
    this.#moveFiles(made);
    return made;
  }

  /** What sessions may do with files, by rules that nobody waits for. */
  #moveFiles(made: ServiceFunction): void {
    const { files, table, bus } = this.#props;
    table.grantPartitions(made, {
      read: ["audit", "configuration"],
      write: ["automation", "functionLeases", "transfers"],
    });
    files.grantTransfer(made);
    bus.grantPutEvents(made);
  }

  /** Each minute, unless it is to be less often. */
  #schedule(
    id: string,
    description: string,
    { called, every = Duration.minutes(1) }: { readonly called: ServiceFunction; readonly every?: Duration },
  ): void {
    new events.Rule(this, id, {
      description,
      schedule: events.Schedule.rate(every),
      targets: [
        new targets.LambdaFunction(called.function, {
          deadLetterQueue: this.missedSchedules,
          maxEventAge: Duration.minutes(5),
          retryAttempts: 2,
        }),
      ],
    });
  }

  #httpApi(): ServiceFunction {
    const { files, table, bus, queues } = this.#props;
    // API Gateway waits for 30 seconds, and no longer.
    const made = this.#make("http-api", "The HTTP API", { timeout: Duration.seconds(29), memoryMiB: 1024 });
    table.grantPartitions(made, {
      read: ["audit", "vouched"],
      write: ["automation", "configuration", "failedLogins", "functionLeases", "sessions", "transfers"],
    });
    files.grantTransfer(made);
    bus.grantPutEvents(made);
    this.#readTokenKeys(made);
    queues.dispatch.grantSend(made);
    queues.alerts.grantSend(made);
    made.function.addEnvironment(environmentNames.dispatchQueue, queues.dispatch.queue.queueUrl);
    made.function.addEnvironment(environmentNames.alertQueue, queues.alerts.queue.queueUrl);
    this.transfers.grantInvoke(made);
    made.function.addEnvironment(environmentNames.transfersFunction, this.transfers.function.functionName);
    this.#openQuarantine(made);
    return made;
  }

  /** Operators look into the quarantine and delete there; another function lets out, which may tag files. */
  #openQuarantine(made: ServiceFunction): void {
    admitToQuarantine(made.role);
    this.scanResult.grantInvoke(made);
    made.function.addEnvironment(environmentNames.scanResultFunction, this.scanResult.function.functionName);
  }

  /** It puts infected files away and lets them out, which the bucket's policy denies to everybody else. */
  #scanResult(): ServiceFunction {
    const { files, table, bus, queues, quarantineDays = 30 } = this.#props;
    const made = this.#make("scan-result", "Puts results of scans on record", { timeout: functionTimeouts.scanResult });
    made.addQueue(queues.scanResult, { batchSize: 10 });
    table.grantPartitions(made, {
      read: ["configuration", "audit"],
      write: ["automation", "functionLeases", "transfers"],
    });
    files.grantTransfer(made);
    files.grantTags(made);
    bus.grantPutEvents(made);
    exemptFromScan(made.role);
    admitToQuarantine(made.role);
    made.function.addEnvironment(environmentNames.quarantineDays, String(quarantineDays));
    this.#schedule("Expiry", "Infected files whose time in quarantine is over", {
      called: made,
      every: Duration.hours(1),
    });
    return made;
  }

  #make(
    name: FunctionName,
    description: string,
    size: { readonly timeout?: Duration; readonly memoryMiB?: number },
  ): ServiceFunction {
    const { code, files, table, bus, serverName, logRetention } = this.#props;
    return new ServiceFunction(this, name, {
      code: code(name),
      description,
      logRetention,
      ...size,
      environment: {
        [environmentNames.serverName]: serverName,
        [environmentNames.dataBucket]: files.bucket.bucketName,
        [environmentNames.table]: table.table.tableName,
        [environmentNames.eventBus]: bus.bus.eventBusName,
      },
    });
  }

  /**
   * Rules act when a file was found clean. What a rule copies is scanned anew, and the steps behind go on with it
   * meanwhile.
   */
  #awaitScans({ prefixes, deny }: ScannedFiles): void {
    const { files, queues } = this.#props;
    const scan = JSON.stringify({ prefixes, deny });
    for (const made of [this.dispatch, this.transfers, this.httpApi, this.scanResult]) {
      made.function.addEnvironment(environmentNames.scan, scan);
    }
    for (const made of [this.dispatch, this.transfers]) files.grantReadTags(made, prefixes);
    queues.dispatch.grantSend(this.scanResult);
    this.scanResult.function.addEnvironment(environmentNames.dispatchQueue, queues.dispatch.queue.queueUrl);
    if (deny === "until-clean") for (const { role } of [this.dispatch, this.transfers]) exemptFromScan(role);
  }

  /** What acts by rules has the keys; what takes rules knows their names. */
  #useKeys({ secret, names }: PgpKeys): void {
    const kinds = Object.fromEntries(names.map(({ name, kind }) => [name, kind]));
    this.httpApi.function.addEnvironment(environmentNames.pgpKeys, JSON.stringify(kinds));
    for (const made of [this.dispatch, this.transfers]) {
      secret.grantRead(made);
      made.function.addEnvironment(environmentNames.pgpKeysSecret, secret.secret.secretArn);
    }
  }

  #readTokenKeys(made: ServiceFunction): void {
    this.#props.tokenKeys.grantRead(made);
    made.function.addEnvironment(environmentNames.tokenKeysSecret, this.#props.tokenKeys.secret.secretArn);
  }
}
