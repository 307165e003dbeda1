import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { CreateSecretCommand, DeleteSecretCommand } from "@aws-sdk/client-secrets-manager";
import { createSecretsClient } from "../../adapters/aws/clients.ts";
import { createDynamoLeases } from "../../adapters/aws/dynamo-leases.ts";
import { createDynamoStaging } from "../../adapters/aws/dynamo-staging.ts";
import { environmentNames as names } from "../../adapters/aws/env.ts";
import { createS3ObjectStore } from "../../adapters/aws/s3-object-store.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { Leases } from "../../ports/leases.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { startAwsServices } from "./aws-services.ts";
import { createTestTable } from "./aws-table.ts";
import { loadCustomAuth, seedAccount } from "./custom-auth.ts";
import { startEventBusService } from "./event-bus-service.ts";
import { freePorts } from "./free-ports.ts";
import { testTls } from "./ftps-server.ts";
import { startLambdaService } from "./lambda-service.ts";
import { type LoadBalancer, startLoadBalancer } from "./load-balancer.ts";
import { createTestBucket } from "./s3-store.ts";
import { generateSshKeyPair } from "./ssh-key-pair.ts";

/** The container's program in a process of its own, on an address of its own. */
export interface GatewayProcess {
  readonly host: string;
  /** Where other tasks reach it. */
  readonly address: string;
  /** As its latest answer to the health check says. */
  readonly isReady: boolean;
  /** Everything it printed so far. */
  output(): string;
  metrics(): Promise<string>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

export interface GatewayCluster {
  readonly tasks: readonly GatewayProcess[];
  readonly balancer: LoadBalancer;
  /** Of the load balancer. */
  readonly sftpPort: number;
  readonly ftpsPort: number;
  /** Of every task. */
  readonly healthPort: number;
  readonly objects: ObjectStore;
  readonly leases: Leases;
  /** Starts one more. */
  addTask(): Promise<GatewayProcess>;
  /** Every event that the bus has accepted so far. */
  events(): readonly AccountingEvent[];
  close(): Promise<void>;
}

export interface GatewayClusterOptions {
  readonly tasks?: number;
  /** A weight for each task, which makes it a pool of its own; without them all are one pool. */
  readonly weights?: readonly number[];
  readonly variables?: Readonly<Record<string, string>>;
  /** More settings of the account `tester`. */
  readonly account?: Readonly<Record<string, unknown>>;
  /** What is run in place of the sources. */
  readonly program?: GatewayProgram;
}

export interface GatewayProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly directory: string;
  /** The user and group that it runs as. */
  readonly uid?: number;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const sources: GatewayProgram = { command: process.execPath, args: ["gateway/main.ts"], directory: root };
const functionName = "custom-auth";
const healthCheckMs = 200;

/**
 * Several gateways as AWS runs them: processes over the APIs of S3, DynamoDB, EventBridge, Secrets Manager and Lambda
 * on sockets, behind a load balancer that checks their readiness. Every test gets all of it anew.
 */
export async function startGatewayCluster(options: GatewayClusterOptions = {}): Promise<GatewayCluster> {
  const services = await startAwsServices();
  const [table, bucket, bus] = await Promise.all([createTestTable(), createTestBucket(), startEventBusService()]);
  const secrets = await createSecrets();
  await seedAccount(table, "tester", options.account);
  const place = { table: table.tableName, bucket: bucket.bucket, eventBus: "accounting" };
  const lambda = await startLambdaService({ [functionName]: await loadCustomAuth(place) });
  const passivePorts = 20;
  const { first, last } = await freePorts(passivePorts + 4);
  const own = { sftp: last - 3, ftps: last - 2, data: last - 1, health: last };
  const variables = {
    AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
    [names.serverName]: "mft",
    [names.dataBucket]: bucket.bucket,
    [names.table]: table.tableName,
    [names.eventBus]: "accounting",
    [names.authFunction]: functionName,
    [names.hostKeysSecret]: secrets.hostKeys,
    [names.tlsSecret]: secrets.tls,
    [names.sftpPort]: `${own.sftp}`,
    [names.ftpsPort]: `${own.ftps}`,
    [names.dataPort]: `${own.data}`,
    [names.healthPort]: `${own.health}`,
    [names.passivePorts]: `${first}-${last - 4}`,
    [names.passiveAddress]: "127.0.0.1",
    [names.trustedProxies]: "127.0.0.1/32",
    [names.drainSeconds]: "60",
    ...options.variables,
  };
  const tasks: Task[] = [];
  const addTask = async () => {
    const host = `127.0.1.${tasks.length + 1}`;
    const task = new Task(host, own, { variables, program: options.program ?? sources });
    tasks.push(task);
    await task.start();
    return task;
  };
  await Promise.all(Array.from({ length: options.tasks ?? 3 }, addTask));
  const balancer = await startBalancer(tasks, { own, passive: { first, last: last - 4 }, weights: options.weights });
  const [sftpPort = 0, ftpsPort = 0] = balancer.ports;
  const staging = createDynamoStaging(table.table);
  return {
    tasks,
    balancer,
    sftpPort,
    ftpsPort,
    healthPort: own.health,
    objects: createS3ObjectStore({ client: bucket.client, bucket: bucket.bucket, staging, owner: "test" }),
    leases: createDynamoLeases(table),
    addTask,
    events: () => bus.events(),
    close: async () => {
      await balancer.close();
      await Promise.all(tasks.map((task) => task.kill()));
      await lambda.close();
      await secrets.dispose();
      await Promise.all([bus.close(), bucket.dispose(), table.dispose()]);
      await services.stop();
    },
  };
}

async function createSecrets() {
  const client = createSecretsClient();
  const suffix = generateSshKeyPair().public.slice(-20).replace(/\W/g, "");
  const [hostKeys, tls] = [`host-keys-${suffix}`, `tls-${suffix}`];
  const ed25519 = generateSshKeyPair().private;
  await client.send(new CreateSecretCommand({ Name: hostKeys, SecretString: JSON.stringify({ ed25519 }) }));
  await client.send(new CreateSecretCommand({ Name: tls, SecretString: JSON.stringify(testTls) }));
  const dispose = async () => {
    for (const SecretId of [hostKeys, tls]) {
      await client.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true }));
    }
    client.destroy();
  };
  return { hostKeys, tls, dispose };
}

interface OwnPorts {
  readonly sftp: number;
  readonly ftps: number;
  readonly data: number;
  readonly health: number;
}

interface Balancing {
  readonly own: OwnPorts;
  readonly passive: { readonly first: number; readonly last: number };
  readonly weights: readonly number[] | undefined;
}

function startBalancer(tasks: readonly Task[], { own, passive, weights }: Balancing): Promise<LoadBalancer> {
  const groupsAt = (port: number, isServed: (task: Task) => boolean) => () => {
    const targetsOf = (members: readonly Task[]) => members.filter(isServed).map(({ host }) => ({ host, port }));
    if (!weights) return [{ weight: 1, targets: targetsOf(tasks) }];
    return tasks.map((task, index) => ({ weight: weights[index] ?? 0, targets: targetsOf([task]) }));
  };
  const isReady = (task: Task) => task.isReady;
  const passiveListeners = Array.from({ length: passive.last - passive.first + 1 }, (_, index) => ({
    port: passive.first + index,
    groups: groupsAt(own.data, isReady),
    preserve: "proxy-header" as const,
  }));
  const clientListeners = [own.sftp, own.ftps].map((port) => ({
    port: 0,
    groups: groupsAt(port, isReady),
    preserve: "client-address" as const,
  }));
  return startLoadBalancer([...clientListeners, ...passiveListeners]);
}

class Task implements GatewayProcess {
  readonly host: string;
  readonly address: string;
  isReady = false;
  readonly #healthUrl: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  readonly #checks: NodeJS.Timeout;
  #output = "";

  constructor(
    host: string,
    own: OwnPorts,
    options: { readonly variables: Readonly<Record<string, string>>; readonly program: GatewayProgram },
  ) {
    this.host = host;
    this.address = `${host}:${own.data}`;
    this.#healthUrl = `http://${host}:${own.health}`;
    const { command, args, directory, uid } = options.program;
    const env = { ...process.env, ...options.variables, [names.listenAddress]: host, [names.taskAddress]: host };
    this.#child = spawn(command, args, {
      cwd: directory,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      ...(uid !== undefined && { uid, gid: uid }),
    });
    this.#exited = once(this.#child, "exit").then(([code]) => {
      clearInterval(this.#checks);
      this.isReady = false;
      return code as number | null;
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
      });
    }
    this.#checks = setInterval(() => void this.#check(), healthCheckMs);
  }

  async start(): Promise<void> {
    const ready = new Promise<void>((resolve) => {
      this.#child.stdout?.on("data", () => this.#output.includes("ferrygate ready") && resolve());
    });
    const failed = this.#exited.then((code) => {
      throw new Error(`a gateway exited with ${code}:\n${this.#output}`);
    });
    failed.catch(() => {});
    await Promise.race([ready, failed]);
    await this.#check();
  }

  output(): string {
    return this.#output;
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.#healthUrl}/metrics`)).text();
  }

  stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.#exited;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  async #check(): Promise<void> {
    const answer = await fetch(`${this.#healthUrl}/ready`).catch(() => undefined);
    this.isReady = answer?.status === 200 && this.#child.exitCode === null;
  }
}
