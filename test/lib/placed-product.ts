import { readFileSync } from "node:fs";
import { App, aws_ecs as ecs, aws_lambda as lambda } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import type { StageConfiguration } from "../../lib/configuration/schema.ts";
import { resolveStage } from "../../lib/configuration/stage.ts";
import { Ferrygate } from "../../lib/ferrygate.ts";

/** One resource of a template, with the stack and the logical id that name it. */
export interface PlacedResource {
  readonly stack: string;
  readonly id: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly deletionPolicy: string | undefined;
  readonly updateReplacePolicy: string | undefined;
}

export interface PlacedProduct {
  readonly app: App;
  readonly product: Ferrygate;
  readonly templates: ReadonlyMap<string, Template>;
  readonly resources: readonly PlacedResource[];
  of(type: string): readonly PlacedResource[];
}

/** The context of `cdk.json`: the same feature flags as those of a deployment. */
const context = JSON.parse(readFileSync(new URL("../../cdk.json", import.meta.url), "utf8")).context;

/** Synthesizes a stage as `cdk synth` does, with neither the bundles of the functions nor an image to build. */
export function placeProduct(configuration: StageConfiguration, prepare?: (app: App) => void): PlacedProduct {
  const app = new App({ context });
  prepare?.(app);
  const product = new Ferrygate(app, {
    stage: resolveStage(configuration),
    code: () => lambda.Code.fromInline("export const handler = async () => {};"),
    image: ecs.ContainerImage.fromRegistry("registry.example.com/ferrygate:1"),
  });
  const { stacks } = app.synth();
  const templates = new Map(
    stacks.map(({ hierarchicalId, template }) => [hierarchicalId.split("/").at(-1) ?? "", Template.fromJSON(template)]),
  );
  const resources = [...templates].flatMap(([stack, template]) => resourcesOf(stack, template));
  return { app, product, templates, resources, of: (type) => resources.filter((resource) => resource.type === type) };
}

function resourcesOf(stack: string, template: Template): PlacedResource[] {
  return Object.entries(template.toJSON().Resources ?? {}).map(([id, resource]) => {
    const { Type, Properties = {}, DeletionPolicy, UpdateReplacePolicy } = resource as Record<string, string>;
    return {
      stack,
      id,
      type: Type ?? "",
      properties: Properties as unknown as Readonly<Record<string, unknown>>,
      deletionPolicy: DeletionPolicy,
      updateReplacePolicy: UpdateReplacePolicy,
    };
  });
}
