import { processMetrics } from "../../adapters/node/process-metrics.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { EventMetrics } from "../../service/metrics/event-metrics.ts";
import { exposition, type Metric } from "../../service/metrics/exposition.ts";
import { programVersion } from "../program-version.ts";

export interface LocalMetrics {
  /** Sees each event that was put on record. */
  readonly observe: (event: AccountingEvent) => void;
  /** @param sessions how many are live */
  text(sessions: number): string;
}

export function createMetrics(): LocalMetrics {
  const events = new EventMetrics();
  const gauge = (name: string, help: string, sample: Metric["samples"][number]): Metric => {
    return { name, help, type: "gauge", samples: [sample] };
  };
  const build = gauge("ferrygate_build_info", "The program.", { labels: { version: programVersion() }, value: 1 });
  return {
    observe: (event) => events.observe(event),
    text: (sessions) =>
      exposition([
        gauge("ferrygate_sessions_active", "Sessions that have begun and not ended.", { value: sessions }),
        ...events.metrics(),
        build,
        ...processMetrics(),
      ]),
  };
}
