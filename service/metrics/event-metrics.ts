import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { Labels, Metric } from "./exposition.ts";

/** Counts by the values of labels, which are closed lists: no name, path or address is ever one. */
class Counter {
  readonly #name: string;
  readonly #help: string;
  readonly #counts = new Map<string, { readonly labels: Labels; value: number }>();

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  add(labels: Labels, value = 1): void {
    const id = JSON.stringify(labels);
    const count = this.#counts.get(id) ?? { labels, value: 0 };
    count.value += value;
    this.#counts.set(id, count);
  }

  metric(): Metric {
    return { name: this.#name, help: this.#help, type: "counter", samples: [...this.#counts.values()] };
  }
}

/** Metrics of what this process put on record. They begin at nothing with each start, as counters of Prometheus may. */
export class EventMetrics {
  readonly #transfers = new Counter("ferrygate_transfers_total", "Transfers that ended.");
  readonly #bytes = new Counter("ferrygate_transfer_bytes_total", "Bytes of transfers that were completed.");
  readonly #authentications = new Counter("ferrygate_authentications_total", "Logins that were tried.");
  readonly #denied = new Counter("ferrygate_access_denied_total", "Operations that were refused.");
  readonly #events = new Counter("ferrygate_events_total", "Accounting events.");

  observe({ type, protocol, data }: AccountingEvent): void {
    this.#events.add({ type });
    if (type === "transfer.completed" || type === "transfer.aborted") this.#observeTransfer(type, protocol, data);
    if (type === "authentication.succeeded") this.#authentications.add({ outcome: "succeeded", protocol });
    if (type === "authentication.failed") this.#authentications.add({ outcome: "failed", protocol });
    if (type === "access.denied") this.#denied.add({ protocol });
  }

  metrics(): readonly Metric[] {
    const counters = [this.#transfers, this.#bytes, this.#authentications, this.#denied, this.#events];
    return counters.map((counter) => counter.metric());
  }

  #observeTransfer(type: string, protocol: string, { direction, bytes }: AccountingEvent["data"]): void {
    const labels = { direction: direction === "upload" ? "upload" : "download", protocol };
    const isCompleted = type === "transfer.completed";
    this.#transfers.add({ ...labels, outcome: isCompleted ? "completed" : "aborted" });
    if (isCompleted && typeof bytes === "number") this.#bytes.add(labels, bytes);
  }
}
