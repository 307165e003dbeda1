import { readdirSync } from "node:fs";
import { performance } from "node:perf_hooks";

/** A number about this process, in the names that Prometheus' own client libraries use. */
export interface ProcessMetric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly samples: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
}

/** Time, memory and open files of this process at this moment. */
export function processMetrics(): readonly ProcessMetric[] {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  const { utilization } = performance.eventLoopUtilization();
  return [
    single("process_cpu_seconds_total", "counter", "CPU time of the process.", (user + system) / 1e6),
    single("process_start_time_seconds", "gauge", "Start of the process, since the epoch.", startSeconds),
    single("process_resident_memory_bytes", "gauge", "Memory of the process that is in RAM.", rss),
    ...openFiles(),
    single("nodejs_heap_size_used_bytes", "gauge", "JavaScript heap in use.", heapUsed),
    single("nodejs_heap_size_total_bytes", "gauge", "JavaScript heap.", heapTotal),
    single("nodejs_external_memory_bytes", "gauge", "Memory outside of the JavaScript heap.", external),
    single("nodejs_eventloop_utilization", "gauge", "Share of its life that the event loop was busy.", utilization),
  ];
}

const startSeconds = performance.timeOrigin / 1000;

function single(name: string, type: ProcessMetric["type"], help: string, value: number): ProcessMetric {
  return { name, help, type, samples: [{ value }] };
}

/** Only Linux tells. */
function openFiles(): ProcessMetric[] {
  try {
    const { length } = readdirSync("/proc/self/fd");
    return [single("process_open_fds", "gauge", "Open files and sockets.", length)];
  } catch {
    return [];
  }
}
