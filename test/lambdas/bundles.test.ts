import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { awsOrSkip } from "../support/aws-services.ts";
import { type Bundles, makeBundles } from "./bundles.ts";
import { type FunctionRig, seedConfiguration, startFunctionRig } from "./rig.ts";
import { samples } from "./samples.ts";

describe("the bundles", { skip: awsOrSkip(), concurrency: 1 }, () => {
  let rig: FunctionRig;
  let bundles: Bundles;
  before(async () => {
    bundles = await makeBundles();
    rig = await startFunctionRig();
    await seedConfiguration(rig);
  });
  after(async () => {
    await rig.dispose();
    await bundles.dispose();
  });

  for (const [name, sample] of Object.entries(samples)) {
    it(`hold all that ${name} needs to answer`, async () => {
      const { answer, error } = await bundles.call(name, sample.event, rig.environment);
      assert.equal(error, undefined);
      sample.check(answer);
    });

    it(`of ${name} names every variable that is missing`, async () => {
      const { error } = await bundles.call(name, sample.event, {});
      assert.match(error ?? "", /^EnvironmentError: .*FERRYGATE_TABLE is not set; .*FERRYGATE_\w+ is not set/);
    });

    it(`of ${name} is shown with its size`, () => {
      assert.match(bundles.sizes, new RegExp(`lambdas/${name}/index\\.mjs +\\d+ kB +\\d+ kB gzip`));
    });
  }
});
