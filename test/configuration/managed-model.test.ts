import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ManagedConfiguration } from "../../adapters/local/configuration/managed-configuration.ts";
import { ManagedWorkspace } from "../support/managed-configuration.ts";

type State = Readonly<Record<string, string>>;

type Step =
  | { readonly kind: "file"; readonly accounts: State; readonly isRestart: boolean }
  | { readonly kind: "put"; readonly name: string; readonly home: string }
  | { readonly kind: "remove"; readonly name: string };

const name = fc.constantFrom("a", "b", "c", "d");
const home = fc.constantFrom("one", "two", "three");
const accounts = fc.dictionary(name, home);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("file" as const), accounts, isRestart: fc.boolean() }),
  fc.record({ kind: fc.constant("put" as const), name, home }),
  fc.record({ kind: fc.constant("remove" as const), name }),
);

/** What the contract says, in the simplest words: names and homes. */
class Model {
  readonly entries = new Map<string, string>();
  #seeds: State = {};

  file(written: State): void {
    for (const [account, value] of Object.entries(written)) {
      if (this.#seeds[account] !== value) this.entries.set(account, value);
    }
    for (const account of Object.keys(this.#seeds)) if (!(account in written)) this.entries.delete(account);
    this.#seeds = written;
  }
}

function textOf(written: State): string {
  return JSON.stringify({
    accounts: Object.entries(written).map(([account, value]) => ({ name: account, home: value })),
  });
}

function homesOf(configuration: ManagedConfiguration): [string, string][] {
  return [...configuration.current().accounts.values()].map((account): [string, string] => [
    account.name,
    account.home,
  ]);
}

test("whatever order files, restarts and changes come in, what is in force is what the contract says", async () => {
  await fc.assert(
    fc.asyncProperty(accounts, fc.array(step, { maxLength: 12 }), async (first, steps) => {
      using workspace = new ManagedWorkspace();
      const model = new Model();
      model.file(first);
      let configuration = workspace.open(textOf(first));
      for (const taken of steps) {
        configuration = await take(taken, { workspace, model, configuration });
        assert.deepEqual(homesOf(configuration).sort(), [...model.entries].sort());
      }
      assert.deepEqual(homesOf(workspace.open()).sort(), [...model.entries].sort(), "a restart changes nothing");
    }),
    { numRuns: 60 },
  );
});

interface Running {
  readonly workspace: ManagedWorkspace;
  readonly model: Model;
  readonly configuration: ManagedConfiguration;
}

async function take(taken: Step, { workspace, model, configuration }: Running): Promise<ManagedConfiguration> {
  if (taken.kind === "file") {
    model.file(taken.accounts);
    if (taken.isRestart) return workspace.open(textOf(taken.accounts));
    workspace.rewrite(configuration, textOf(taken.accounts));
  } else if (taken.kind === "put") {
    model.entries.set(taken.name, taken.home);
    await workspace.change(configuration, ["account", taken.name], { home: taken.home });
  } else if (model.entries.delete(taken.name)) {
    await workspace.change(configuration, ["account", taken.name], undefined);
  }
  return configuration;
}
