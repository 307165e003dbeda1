import { fileURLToPath } from "node:url";
import { App, aws_ecr_assets as assets, aws_ecs as ecs, Validations } from "aws-cdk-lib";

import { development } from "../config/development.ts";
import { production } from "../config/production.ts";
import type { StageConfiguration } from "../lib/configuration/schema.ts";
import { ConfigurationError, resolveStage } from "../lib/configuration/stage.ts";
import { bundledCode } from "../lib/constructs/service-function.ts";
import { Ferrygate } from "../lib/ferrygate.ts";
import { ProductChecks } from "../lib/product-checks.ts";

/**
 * The stages of this product, by the name after `-c stage=`. A stage of yours is one line here and a file in config.
 */
const stages: Readonly<Record<string, StageConfiguration>> = { development, production };

const root = fileURLToPath(new URL("..", import.meta.url));

class UnknownStageError extends Error {}

function main(): void {
  const app = new App();
  const name: unknown = app.node.tryGetContext("stage") ?? process.env.FERRYGATE_STAGE ?? "development";
  try {
    const stage = resolveStage(configurationOf(String(name)));
    new Ferrygate(app, { stage, code: bundledCode, image: builtImage() });
    Validations.of(app).addPlugins(new ProductChecks());
    app.synth();
  } catch (error) {
    if (!(error instanceof ConfigurationError || error instanceof UnknownStageError)) throw error;
    process.stderr.write(`ferrygate: ${error.message}\n`);
    process.exitCode = 1;
  }
}

function configurationOf(name: string): StageConfiguration {
  const configuration = Object.hasOwn(stages, name) ? stages[name] : undefined;
  if (configuration !== undefined) return configuration;
  throw new UnknownStageError(`there is no stage ${JSON.stringify(name)}; there are ${Object.keys(stages).join(", ")}`);
}

/** Synthesis only looks at the files; Docker builds the image when it is deployed. */
function builtImage(): ecs.ContainerImage {
  return ecs.ContainerImage.fromAsset(root, {
    file: "gateway/Dockerfile",
    platform: assets.Platform.LINUX_ARM64,
    // Beside what .dockerignore names: what no image is made of, and a change of what should make none.
    exclude: ["*.md", ".ci", ".native-crypto", "bin/ferrygate.ts", "cdk.json", "config", "lib", "schema"],
  });
}

main();
