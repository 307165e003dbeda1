import type { Account } from "../../core/account.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { parseAddressBlock } from "../../core/source-address.ts";
import { Connections, type ConnectionsOptions } from "../../gateway/connections.ts";
import { Leadership } from "../../gateway/leadership.ts";
import { LeasedPorts } from "../../gateway/leased-ports.ts";
import { ftpsDoors, sftpDoor } from "../../gateway/protocol-doors.ts";
import type { Leases } from "../../ports/leases.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { createFtpsServer } from "../../protocols/ftps/server.ts";
import { createSftpServer } from "../../protocols/sftp/server.ts";
import { freePorts } from "./free-ports.ts";
import { testTls } from "./ftps-server.ts";
import { type LoadBalancer, startLoadBalancer } from "./load-balancer.ts";
import { createMemoryLeases } from "./memory-leases.ts";
import { createMemoryObjectStore } from "./memory-object-store.ts";
import { createMemoryPipeline, type MemoryServices, testAccount } from "./memory-ports.ts";
import { generateSshKeyPair } from "./ssh-key-pair.ts";

export interface TestTask {
  readonly host: string;
  readonly address: string;
  readonly connections: Connections;
  readonly ports: LeasedPorts;
  readonly leadership: Leadership | undefined;
  readonly services: MemoryServices;
  close(): Promise<void>;
}

export interface TestCluster {
  readonly tasks: readonly TestTask[];
  readonly balancer: LoadBalancer;
  /** Of the load balancer. */
  readonly sftpPort: number;
  readonly ftpsPort: number;
  readonly implicitPort: number;
  readonly passive: { readonly first: number; readonly last: number };
  /** Of every task. */
  readonly doors: { readonly sftp: number; readonly ftps: number };
  /** The port of every task's data port. */
  readonly dataPort: number;
  readonly objects: ObjectStore;
  /** Of all tasks. */
  events(): AccountingEvent[];
  close(): Promise<void>;
}

export interface TestClusterOptions {
  readonly tasks?: number;
  readonly passivePorts?: number;
  readonly isActivePassive?: boolean;
  /** Otherwise the test asks. */
  readonly leaderIsAskedFor?: boolean;
  readonly accounts?: readonly Account[];
  readonly leases?: Leases;
  readonly limits?: ConnectionsOptions["limits"];
  readonly trusted?: string;
}

const hostKeys = [generateSshKeyPair().private];

/**
 * Tasks in one process, each on an address of its own, behind a load balancer: leases, relays and protocols are the
 * container's, what rests is in memory and shared.
 */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { first, last } = await freePorts((options.passivePorts ?? 20) + 4);
  const own = { sftp: last - 3, ftps: last - 2, implicit: last - 1, data: last };
  const passive = { first, last: last - 4 };
  const objects = createMemoryObjectStore();
  const leases = options.leases ?? createMemoryLeases(() => Date.now());
  const tasks: TestTask[] = [];
  for (let index = 1; index <= (options.tasks ?? 3); index += 1) {
    tasks.push(await startTask(`127.0.1.${index}`, { options, own, passive, objects, leases }));
  }
  const groupAt = (port: number) => () => [{ weight: 1, targets: tasks.map(({ host }) => ({ host, port })) }];
  const passiveListeners = Array.from({ length: passive.last - passive.first + 1 }, (_, index) => ({
    port: passive.first + index,
    groups: groupAt(own.data),
    preserve: "proxy-header" as const,
  }));
  const balancer = await startLoadBalancer([
    ...[own.sftp, own.ftps, own.implicit].map((port) => ({
      port: 0,
      groups: groupAt(port),
      preserve: "client-address" as const,
    })),
    ...passiveListeners,
  ]);
  const [sftpPort = 0, ftpsPort = 0, implicitPort = 0] = balancer.ports;
  return {
    tasks,
    balancer,
    sftpPort,
    ftpsPort,
    implicitPort,
    passive,
    doors: { sftp: own.sftp, ftps: own.ftps },
    dataPort: own.data,
    objects,
    events: () => tasks.flatMap(({ services }) => services.accounting.events),
    close: async () => {
      await balancer.close();
      await Promise.all(tasks.map((task) => task.close()));
    },
  };
}

interface TaskParts {
  readonly options: TestClusterOptions;
  readonly own: Readonly<Record<"sftp" | "ftps" | "implicit" | "data", number>>;
  readonly passive: { readonly first: number; readonly last: number };
  readonly objects: ObjectStore;
  readonly leases: Leases;
}

async function startTask(host: string, { options, own, passive, objects, leases }: TaskParts): Promise<TestTask> {
  const { services, openSession } = createMemoryPipeline(options.accounts ?? [testAccount()], { objects });
  const { runtime } = services;
  const address = `${host}:${own.data}`;
  const ports = new LeasedPorts({ range: passive, leases, address, runtime });
  const listeners = [
    { host, port: own.ftps, implicit: false },
    { host, port: own.implicit, implicit: true },
  ];
  const ftps = createFtpsServer({
    openSession,
    listeners,
    tls: () => testTls,
    sessionReuse: "required",
    passivePorts: ports,
    passiveAddress: "127.0.0.1",
    log: runtime.log,
  });
  const sftp = createSftpServer({ openSession, hostKeys, listen: { host, port: own.sftp }, log: runtime.log });
  const leadership = options.isActivePassive ? new Leadership({ leases, address, runtime }) : undefined;
  const connections = new Connections({
    listenAddress: host,
    doors: [sftpDoor(sftp, own.sftp), ...ftpsDoors(ftps, listeners)],
    address,
    dataPort: { port: own.data, trustedProxies: [parseAddressBlock(options.trusted ?? "127.0.0.0/8")] },
    passive: { ports, range: passive },
    leases,
    leadership,
    runtime,
    ...(options.limits && { limits: options.limits }),
  });
  await connections.listen();
  if (options.leaderIsAskedFor ?? true) await leadership?.start();
  const close = async () => {
    leadership?.stop();
    await Promise.all([sftp.close(), ftps.close()]);
    await connections.close();
  };
  return { host, address, connections, ports, leadership, services, close };
}
