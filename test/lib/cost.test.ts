import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { development } from "../../config/development.ts";
import { production } from "../../config/production.ts";
import { resolveStage } from "../../lib/configuration/stage.ts";
import { fixedCosts, loadCosts, sumOf } from "../../lib/cost/estimate.ts";
import { costPage, exampleLoad } from "../../lib/cost/page.ts";
import { prices } from "../../lib/cost/prices.ts";

const small = resolveStage(development);
const large = resolveStage(production);

describe("the estimate of cost", () => {
  it("is the page of the documentation, which npm run cost writes", () => {
    const page = readFileSync(new URL("../../docs/cost.md", import.meta.url), "utf8");
    assert.equal(page, costPage({ development: small, production: large }));
  });

  it("counts what the configuration says", () => {
    const dollars = (what: string, stage = small) =>
      fixedCosts(stage, prices).find((line) => line.what === what)?.dollars;
    assert.equal(dollars("pool a")?.toFixed(2), (730 * (0.5 * 0.03238 + 1 * 0.00356)).toFixed(2));
    assert.equal(dollars("endpoints")?.toFixed(2), "87.60");
    assert.equal(dollars("endpoints", large)?.toFixed(2), "131.40");
    assert.equal(dollars("fixed addresses", large)?.toFixed(2), "10.95");
    assert.equal(dollars("corporate pool"), undefined);
    assert(dollars("corporate pool", large));
  });

  it("is the sum of its lines, and nothing without a load", () => {
    const nothing = { ...exampleLoad, transfers: 0, sessions: 0, apiRequests: 0, storedGb: 0 };
    assert.equal(sumOf(loadCosts(large, nothing, prices)), 0);
    assert(sumOf(loadCosts(large, exampleLoad, prices)) > sumOf(loadCosts(small, exampleLoad, prices)));
  });
});
