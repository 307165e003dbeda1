export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** A family of samples as Prometheus knows it. */
export interface Metric {
  /** In snake case; that of a counter ends in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly samples: readonly Sample[];
}

/** The media type of {@link exposition}. */
export const expositionMediaType = "text/plain; version=0.0.4; charset=utf-8";

/** The metrics in the text format 0.0.4 of Prometheus. */
export function exposition(metrics: readonly Metric[]): string {
  return metrics.map(family).join("");
}

function family({ name, help, type, samples }: Metric): string {
  const head = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  return head + samples.map(({ labels = {}, value }) => `${name}${labelText(labels)} ${value}\n`).join("");
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
