import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Configuration } from "../../adapters/node/configuration/configuration.ts";
import { formatProblem } from "../../adapters/node/configuration/configuration.ts";
import { loadConfiguration } from "../../adapters/node/configuration/load-configuration.ts";

/** An Argon2 hash in due form; no password is known for it. */
export const passwordHash = `$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$${"A".repeat(43)}`;

type Environment = Readonly<Record<string, string>>;

/** A folder for configuration files and what they refer to. `using` removes it. */
export class Workspace implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "ferrygate-configuration-"));

  write(name: string, content: string | Uint8Array): string {
    const file = join(this.folder, name);
    writeFileSync(file, content);
    return file;
  }

  /** Every problem as `line:column: message`, with the paths in it relative to the folder. */
  problemsOf(content: string | Uint8Array, environment: Environment = {}): string[] {
    const file = this.write("ferrygate.yaml", content);
    const loaded = loadConfiguration(file, environment);
    if (loaded.ok) return [];
    return loaded.problems.map((problem) => {
      const line = formatProblem(problem);
      if (!line.startsWith(`${file}:`)) throw new Error(`${line} does not begin with ${file}:`);
      return line
        .slice(file.length + 1)
        .replaceAll(`${this.folder}/`, "")
        .replaceAll(this.folder, ".");
    });
  }

  /** @throws Error with the problems */
  load(content: string, environment: Environment = {}): Configuration {
    const loaded = loadConfiguration(this.write("ferrygate.yaml", content), environment);
    if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
    return loaded.configuration;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
