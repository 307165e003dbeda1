import { isDeepStrictEqual } from "node:util";
import { limits } from "../../../core/limits.ts";
import type { AccountDirectory } from "../../../ports/account-directory.ts";
import type { Runtime } from "../../../ports/runtime.ts";
import { type Configuration, formatProblem } from "./configuration.ts";
import { stampOf } from "./file-reader.ts";
import { type LoadedConfiguration, loadConfiguration } from "./load-configuration.ts";

/** The accounts of a configuration file, as the file is at this moment. */
export interface ConfigurationAccounts extends AccountDirectory {
  /** The configuration in force. Of its `server` section only certificates are read by more than a start. */
  current(): Configuration;
}

export type GoodConfiguration = Extract<LoadedConfiguration, { ok: true }>;

/**
 * Serves the accounts of `initial` and notices within limits.configurationCheckMs of a question that the file, or a
 * file that it refers to, was changed. A changed file with problems leaves the last good configuration in force; the
 * log names the problems once for every version of the file.
 * @param onChange is told of each new version of the file that comes into force
 */
export function createConfigurationAccounts(
  initial: GoodConfiguration,
  runtime: Pick<Runtime, "now" | "log">,
  onChange: (loaded: GoodConfiguration) => void = () => {},
): ConfigurationAccounts {
  let inForce = initial.configuration;
  let stamps = initial.stamps;
  let checkedAtMs = runtime.now();

  function current(): Configuration {
    const nowMs = runtime.now();
    // A clock that was set back must not put the next check off.
    if (Math.abs(nowMs - checkedAtMs) < limits.configurationCheckMs) return inForce;
    checkedAtMs = nowMs;
    if (isChanged(stamps)) reload();
    return inForce;
  }

  function reload(): void {
    const loaded = loadConfiguration(inForce.file);
    stamps = loaded.stamps;
    if (!loaded.ok) {
      const problems = loaded.problems.map(formatProblem);
      runtime.log.error("the changed configuration has problems; the last good one stays in force", { problems });
      return;
    }
    if (!isDeepStrictEqual(readAtStart(loaded.configuration), readAtStart(inForce))) {
      runtime.log.warn("the server section of the configuration was changed: a restart puts it into force");
    }
    inForce = loaded.configuration;
    runtime.log.info("the configuration was read again", { file: inForce.file, accounts: inForce.accounts.size });
    onChange(loaded);
  }

  return { current, find: async (name) => current().accounts.get(name) };
}

/** The `server` section without the certificates, which each new connection asks for. */
function readAtStart({ server: { ftps, http, ...others } }: Configuration) {
  const isHttps = http?.tls !== undefined;
  return {
    ...others,
    ftps: ftps && { ...ftps, tls: undefined, clientCertificates: undefined },
    http: http && { ...http, tls: isHttps },
  };
}

function isChanged(stamps: ReadonlyMap<string, string>): boolean {
  for (const [file, stamp] of stamps) if (stampOf(file) !== stamp) return true;
  return false;
}
