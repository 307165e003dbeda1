import { App } from "aws-cdk-lib";
import { development } from "../config/development.ts";
import { production } from "../config/production.ts";
import type { StageConfiguration } from "../lib/configuration/schema.ts";
import { ConfigurationError, resolveStage } from "../lib/configuration/stage.ts";
import { Ferrygate } from "../lib/ferrygate.ts";

/** The stages of this product, by the name after `-c stage=`. A stage of yours is one line here and a file in config. */
const stages: Readonly<Record<string, StageConfiguration>> = { development, production };

function main(): void {
  const app = new App();
  const name: unknown = app.node.tryGetContext("stage") ?? process.env.FERRYGATE_STAGE ?? "development";
  try {
    new Ferrygate(app, resolveStage(configurationOf(String(name))));
    app.synth();
  } catch (error) {
    if (!(error instanceof ConfigurationError || error instanceof UnknownStageError)) throw error;
    process.stderr.write(`ferrygate: ${error.message}\n`);
    process.exitCode = 1;
  }
}

class UnknownStageError extends Error {}

function configurationOf(name: string): StageConfiguration {
  const configuration = Object.hasOwn(stages, name) ? stages[name] : undefined;
  if (configuration !== undefined) return configuration;
  throw new UnknownStageError(`there is no stage ${JSON.stringify(name)}; there are ${Object.keys(stages).join(", ")}`);
}

main();
