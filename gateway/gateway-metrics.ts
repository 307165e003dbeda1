import { processMetrics } from "../adapters/node/process-metrics.ts";
import type { AccountingEvent } from "../core/accounting-event.ts";
import { EventMetrics } from "../service/metrics/event-metrics.ts";
import { exposition, type Metric } from "../service/metrics/exposition.ts";
import type { Connections } from "./connections.ts";
import type { Leadership } from "./leadership.ts";
import type { LeasedPorts } from "./leased-ports.ts";

/** What is counted at the moment when somebody asks. */
export interface GatewayGauges {
  readonly sessions: () => number;
  readonly connections: Connections;
  readonly ports: LeasedPorts | undefined;
  readonly leadership: Leadership | undefined;
}

/** Numbers about this task. */
export class GatewayMetrics {
  readonly #events = new EventMetrics();

  /** Sees each event that was put on record. */
  observe(event: AccountingEvent): void {
    this.#events.observe(event);
  }

  /** In the text format of Prometheus. */
  text({ sessions, connections, ports, leadership }: GatewayGauges): string {
    const { relays, dataPort } = connections;
    const refused = [...(dataPort?.refused ?? [])].map(([reason, value]) => ({ labels: { reason }, value }));
    return exposition([
      gauge("ferrygate_sessions_active", "Sessions that have begun and not ended.", sessions()),
      gauge("ferrygate_relays_active", "Connections that are passed on to other tasks.", relays.active),
      gauge("ferrygate_passive_ports_waiting", "Passive ports that wait for their connection.", ports?.waiting ?? 0),
      gauge("ferrygate_leader", "1 when this task serves all clients.", leadership?.isLeader ? 1 : 0),
      {
        name: "ferrygate_data_connections_refused_total",
        help: "Connections to the data port that were turned away for their header.",
        type: "counter",
        samples: refused,
      },
      ...this.#events.metrics(),
      ...processMetrics(),
    ]);
  }
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: "gauge", samples: [{ value }] };
}
