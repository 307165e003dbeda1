import type { AccountingEvent } from "../core/accounting-event.ts";
import { limits } from "../core/limits.ts";
import type { Leases } from "../ports/leases.ts";
import type { ResumableUploadStore } from "../ports/resumable-uploads.ts";
import type { Runtime } from "../ports/runtime.ts";
import type { TlsMaterial } from "../protocols/ftps/tls-settings.ts";
import type { Watches } from "../service/alerts/watches.ts";
import { observedAccounting } from "../service/metrics/observed-log.ts";
import { endCutOffSessions } from "../service/session/cut-off-sessions.ts";
import { createSessionOpener } from "../service/session/open-session.ts";
import { reconcile } from "../service/session/reconcile.ts";
import { Recorder } from "../service/session/recorder.ts";
import { ResumableUploads } from "../service/session/resumable-uploads.ts";
import type { SessionServices } from "../service/session/services.ts";
import type { SessionRegistry } from "../service/session/session-registry.ts";
import { createCertificateWatch } from "./certificate-watch.ts";
import { Connections } from "./connections.ts";
import type { GatewayEnvironment } from "./environment.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { HealthServer, type Readiness } from "./health-server.ts";
import { Leadership } from "./leadership.ts";
import { LeasedPorts } from "./leased-ports.ts";
import { Protocols } from "./protocols.ts";
import { Settlement } from "./settlement.ts";
import type { TaskIdentity } from "./task-identity.ts";
import { TaskProtection } from "./task-protection.ts";
import type { TaskRegistry } from "./task-registry.ts";

/** What a gateway stands on. */
export interface GatewayServices extends Omit<SessionServices, "runtime" | "serverName" | "resumable"> {
  /** Which uploads may be gone on with, here or at another task. */
  readonly resumableUploads?: ResumableUploadStore;
  /** Finishes renames that dead tasks left in the middle, where the store knows such. */
  readonly finishMoves?: () => Promise<unknown>;
}

export interface GatewayOptions {
  readonly environment: GatewayEnvironment;
  readonly task: TaskIdentity;
  readonly tasks: TaskRegistry;
  readonly leases: Leases;
  readonly services: GatewayServices;
  readonly hostKeys: readonly string[];
  /** Asked for each connection. */
  readonly tls: () => TlsMaterial;
  readonly runtime: Runtime;
}

/** One of the tasks that serve clients together. */
export class Gateway {
  readonly #environment: GatewayEnvironment;
  readonly #tasks: TaskRegistry;
  readonly #services: SessionServices;
  readonly #resumable: ResumableUploads | undefined;
  readonly #registry: SessionRegistry;
  readonly #protocols: Protocols;
  readonly #leadership: Leadership | undefined;
  readonly #connections: Connections;
  readonly #settlement: Settlement;
  readonly #certificateWatch: Watches;
  readonly #protection: TaskProtection;
  readonly #health: HealthServer;
  #readiness: Readiness = "starting";

  constructor(options: GatewayOptions) {
    const { environment, task, tasks, leases, runtime } = options;
    const metrics = new GatewayMetrics();
    const { longestProtectionMs: longestMs } = environment;
    this.#protection = new TaskProtection({ agentUri: process.env.ECS_AGENT_URI, longestMs, runtime });
    const accounting = observedAccounting(options.services.accounting, (event) => {
      metrics.observe(event);
      this.#protection.observe(event);
    });
    const serverName = `${environment.serverName}/${task.taskId}`;
    this.#environment = environment;
    this.#tasks = tasks;
    const { resumableUploads: store, objects } = options.services;
    this.#resumable = store && new ResumableUploads({ store, objects, runtime });
    this.#services = { ...options.services, accounting, runtime, serverName, resumable: this.#resumable };
    const { openSession, registry } = createSessionOpener(this.#services);
    this.#registry = registry;
    const address = `${task.address}:${environment.dataPort ?? 0}`;
    const range = environment.ftps?.passivePorts;
    const ports = range && new LeasedPorts({ range, leases, address, runtime });
    this.#protocols = new Protocols({ ...options, openSession, ports, log: runtime.log });
    const isLed = environment.availability === "active-passive";
    this.#leadership = isLed ? new Leadership({ leases, address, runtime }) : undefined;
    this.#connections = new Connections({
      listenAddress: environment.listenAddress,
      doors: this.#protocols.doors,
      address,
      dataPort:
        environment.dataPort === undefined
          ? undefined
          : { port: environment.dataPort, trustedProxies: environment.trustedProxies },
      passive: ports && range && { ports, range },
      leases,
      leadership: this.#leadership,
      runtime,
    });
    this.#settlement = new Settlement({
      leases,
      taskId: task.taskId,
      endLeft: async () => {
        await options.services.finishMoves?.();
        const isOwn = ({ server }: AccountingEvent) => server === serverName;
        const transfers = await reconcile(this.#services, isOwn);
        const sessions = await endCutOffSessions(this.#services, async (_, started) => isOwn(started));
        return { ...transfers, sessions };
      },
      runtime,
    });
    const tls = environment.ftps && options.tls;
    this.#certificateWatch = createCertificateWatch({ serverName: environment.serverName, tls, accounting, runtime });
    const gauges = {
      sessions: () => registry.count,
      connections: this.#connections,
      ports,
      leadership: this.#leadership,
    };
    this.#health = new HealthServer({
      listen: { host: environment.listenAddress, port: environment.healthPort },
      readiness: () => this.#readiness,
      metrics: () => metrics.text(gauges),
    });
    tasks.onGone((gone) => this.#connections.relays.endTo(gone));
  }

  /** For clients from here on. @throws Error when a host key cannot be read */
  useHostKeys(hostKeys: readonly string[]): void {
    this.#protocols.useHostKeys(hostKeys);
  }

  /** Resolves when clients are taken. Rejects when a port cannot be listened on or AWS cannot be reached. */
  async start(): Promise<void> {
    await this.#health.listen();
    await this.#tasks.start();
    await this.#leadership?.start();
    await this.#connections.listen();
    await this.#record("server.started", "started");
    this.#readiness = "ready";
    this.#certificateWatch.start();
    this.#protection.start();
    void this.#settlement.start();
  }

  /**
   * Is not ready any more, and some time later takes no new clients; lets sessions finish what they do for as long as
   * the environment says, then ends them. Every end is on record when it resolves.
   */
  async stop(): Promise<void> {
    const startedAtMs = performance.now();
    const { drainMs } = this.#environment;
    this.#readiness = "draining";
    await this.#record("server.stopping", "is stopping");
    await this.#leadership?.resign();
    await after(Math.min(limits.drainNoticeMs, drainMs * limits.drainNoticeShare));
    this.#connections.closeDoors();
    this.#leadership?.stop();
    await Promise.race([this.#protocols.drain(), after(drainMs - (performance.now() - startedAtMs))]);
    await this.#registry.endAll("admin-reboot");
    await this.#protocols.close();
    await this.#certificateWatch.stop();
    await this.#protection.stop();
    await this.#settlement.stop();
    this.#resumable?.close();
    await this.#connections.close();
    await this.#services.accounting.close();
    await this.#tasks.stop();
    await this.#health.close();
  }

  /** A start or stop that is not on record is no reason not to start or stop. */
  async #record(type: "server.started" | "server.stopping", what: string): Promise<void> {
    const { serverName, runtime } = this.#services;
    const recorder = new Recorder(this.#services, { protocol: "system" });
    await recorder.record({ type, message: `${serverName} ${what}` }).catch((error: unknown) => {
      runtime.log.error(`that this task ${what} is not on record`, { error });
    });
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)).unref());
}
