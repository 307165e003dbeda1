import { type Configuration, formatProblem } from "../../adapters/node/configuration/configuration.ts";
import { loadConfiguration } from "../../adapters/node/configuration/load-configuration.ts";
import type { Account } from "../../core/account.ts";
import { FileError } from "../../core/errors.ts";
import { FolderMap } from "../../core/folder-map.ts";
import { evaluateLogin } from "../../core/login.ts";
import { type Action, actions, decide, parseAction } from "../../core/permission.ts";
import { parseVirtualPath, type VirtualPath } from "../../core/virtual-path.ts";
import { onlyPositional, parseArguments, UsageError } from "./arguments.ts";

const options = {
  config: { type: "string" },
  account: { type: "string" },
  action: { type: "string" },
} as const;

/**
 * `ferrygate explain --config FILE --account NAME --action ACTION PATH`: prints what the permissions of the account
 * say, which rule says so, and where the path lies in the store.
 * @returns the exit code: 0 whatever the decision, 1 when the configuration has problems
 * @throws UsageError for an account or action that does not exist
 */
export async function runExplain(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({ args: [...args], options, allowPositionals: true });
  const action = readAction(required(values.action, "--action ACTION"));
  const accountName = required(values.account, "--account NAME");
  const path = readPath(onlyPositional(positionals, "PATH"));
  const loaded = loadConfiguration(required(values.config, "--config FILE"));
  if (!loaded.ok) {
    process.stdout.write(`${loaded.problems.map(formatProblem).join("\n")}\n`);
    return 1;
  }
  const account = findAccount(loaded.configuration, accountName);
  process.stdout.write(`${explain(account, action, path).join("\n")}\n`);
  return 0;
}

function explain(account: Account, action: Action, path: VirtualPath): string[] {
  const lists = { account: account.permissions, groups: account.groups.map((group) => group.permissions) };
  const { effect, rule } = decide({ accountName: account.name, action, path }, lists);
  const objectKey = new FolderMap(account).objectKeyFor(path);
  return [`decision: ${effect}`, `rule: ${rule}`, `path: ${path}`, `objectKey: ${objectKey}`, ...loginLines(account)];
}

/** Permissions say nothing about an account that nobody can log in to. From where it may is left to the server. */
function loginLines(account: Account): string[] {
  const login = evaluateLogin({ ...account, sources: undefined }, Date.now(), "");
  return login.ok ? [] : [`login: refused (${login.reason})`];
}

function required(value: string | undefined, option: string): string {
  if (value === undefined) throw new UsageError(`${option} is missing`);
  return value;
}

function readAction(text: string): Action {
  const action = parseAction(text);
  if (action) return action;
  throw new UsageError(`there is no action ${JSON.stringify(text)}; the actions are ${actions.join(", ")}`);
}

function readPath(text: string): VirtualPath {
  try {
    return parseVirtualPath(text);
  } catch (error) {
    if (error instanceof FileError) throw new UsageError(`PATH cannot be used: ${error.message}`);
    throw error;
  }
}

function findAccount({ accounts }: Configuration, name: string): Account {
  const account = accounts.get(name);
  if (account) return account;
  const known = [...accounts.keys()].join(", ");
  throw new UsageError(`there is no account ${JSON.stringify(name)}; the accounts are ${known || "none"}`);
}
