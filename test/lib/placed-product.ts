import { readFileSync } from "node:fs";
import { App, aws_ecs as ecs, aws_lambda as lambda, Validations } from "aws-cdk-lib";
import type { StageConfiguration } from "../../lib/configuration/schema.ts";
import { resolveStage } from "../../lib/configuration/stage.ts";
import { Ferrygate } from "../../lib/ferrygate.ts";
import { ProductChecks } from "../../lib/product-checks.ts";

export type Json = Readonly<Record<string, unknown>>;

/** One resource of a template, with the stack and the logical id that name it. */
export interface PlacedResource {
  readonly stack: string;
  readonly id: string;
  readonly type: string;
  /** References to other resources are `{"ref": "STACK/ID"}`, whichever way the template goes. */
  readonly properties: Json;
  readonly deletionPolicy: string | undefined;
  readonly updateReplacePolicy: string | undefined;
}

export interface PolicyStatement {
  readonly resource: PlacedResource;
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: unknown;
  readonly Action: readonly string[];
  readonly Resource: readonly unknown[];
  readonly Condition?: Json;
}

export interface PlacedProduct {
  readonly product: Ferrygate;
  readonly resources: readonly PlacedResource[];
  readonly statements: readonly PolicyStatement[];
  /** Names of stacks, as CloudFormation has them, with the size of the template. */
  readonly stacks: ReadonlyMap<string, { readonly stackName: string; readonly bytes: number; readonly outputs: Json }>;
  of(type: string): readonly PlacedResource[];
  /** Of the principal whose role is `id`. */
  statementsOf(stack: string, roleId: string): readonly PolicyStatement[];
}

interface RawTemplate {
  readonly Resources?: Readonly<Record<string, Json>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
}

interface Placing {
  readonly stack: string;
  readonly stackName: string;
  readonly template: RawTemplate;
}

/** The context of `cdk.json`: the same feature flags as those of a deployment. */
const { context } = JSON.parse(readFileSync(new URL("../../cdk.json", import.meta.url), "utf8"));

/**
 * Synthesizes a stage as `cdk synth` does, with all of its checks, but with neither the bundles of the functions nor an
 * image to build. @throws when a check of CDK or cdk-nag is violated
 */
export function placeProduct(configuration: StageConfiguration): PlacedProduct {
  const app = new App({ context });
  const product = new Ferrygate(app, {
    stage: resolveStage(configuration),
    code: () => lambda.Code.fromInline("export const handler = async () => {};"),
    image: ecs.ContainerImage.fromRegistry("registry.example.com/ferrygate:1"),
  });
  Validations.of(app).addPlugins(new ProductChecks());
  const placings = app.synth().stacks.map(({ hierarchicalId, stackName, template }) => ({
    stack: hierarchicalId.split("/").at(-1) ?? "",
    stackName,
    template: template as RawTemplate,
  }));
  const resources = placings.flatMap((placing) => resourcesOf(placing, placings));
  const statements = resources.flatMap(statementsIn);
  return {
    product,
    resources,
    statements,
    stacks: new Map(
      placings.map(({ stack, stackName, template }) => {
        const outputs = Object.fromEntries(
          Object.entries(template.Outputs ?? {}).map(([name, { Value }]) => [name, Value]),
        );
        return [stack, { stackName, bytes: JSON.stringify(template).length, outputs }];
      }),
    ),
    of: (type) => resources.filter((resource) => resource.type === type),
    statementsOf: (stack, roleId) =>
      statements.filter(
        ({ resource }) =>
          resource.stack === stack && JSON.stringify(resource.properties.Roles ?? []).includes(`${stack}/${roleId}`),
      ),
  };
}

function resourcesOf(placing: Placing, placings: readonly Placing[]): PlacedResource[] {
  return Object.entries(placing.template.Resources ?? {}).map(([id, resource]) => {
    const { Type, Properties, DeletionPolicy, UpdateReplacePolicy } = resource as Readonly<Record<string, string>>;
    return {
      stack: placing.stack,
      id,
      type: Type ?? "",
      properties: resolved(Properties ?? {}, placing, placings) as Json,
      deletionPolicy: DeletionPolicy,
      updateReplacePolicy: UpdateReplacePolicy,
    };
  });
}

/** Follows references, also into other stacks, and joins texts. */
function resolved(value: unknown, placing: Placing, placings: readonly Placing[]): unknown {
  if (Array.isArray(value)) return value.map((item) => resolved(item, placing, placings));
  if (typeof value !== "object" || value === null) return value;
  const [[name = "", argument] = []] = Object.entries(value);
  if (name === "Ref") return { ref: `${placing.stack}/${argument}` };
  if (name === "Fn::GetAtt") return { ref: `${placing.stack}/${(argument as string[]).join(".")}` };
  if (name === "Fn::GetStackOutput") {
    const { StackName, OutputName } = argument as Readonly<Record<string, string>>;
    const other = placings.find(({ stackName }) => stackName === StackName);
    const output = other?.template.Outputs?.[OutputName ?? ""];
    if (!other || !output) throw new Error(`${StackName} has no output ${OutputName}`);
    return resolved(output.Value, other, placings);
  }
  const members = Object.entries(value).map(([member, item]) => [member, resolved(item, placing, placings)]);
  return joined(Object.fromEntries(members));
}

function joined(value: Json): unknown {
  const [separator, parts] = (value["Fn::Join"] as [string, unknown[]] | undefined) ?? [];
  if (parts === undefined) return value;
  return parts.map((part) => (typeof part === "string" ? part : `{${(part as Json).ref}}`)).join(separator);
}

function statementsIn(resource: PlacedResource): PolicyStatement[] {
  return documentsIn(resource.properties).flatMap(({ Statement }) =>
    (Statement as Json[]).map((statement) => ({
      ...(statement as unknown as PolicyStatement),
      resource,
      Action: listOf(statement.Action) as string[],
      Resource: listOf(statement.Resource),
    })),
  );
}

/** Policies stand under many names; each is an object with `Statement`. */
function documentsIn(value: unknown): Json[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray((value as Json).Statement)) return [value as Json];
  return Object.values(value).flatMap(documentsIn);
}

function listOf(value: unknown): unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}
