import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { production } from "../../config/production.ts";
import { type PlacedProduct, placeProduct } from "./placed-product.ts";

describe("the placed product lets", () => {
  let placed: PlacedProduct;
  before(() => {
    placed = placeProduct(production);
  });

  /** What roles whose names begin so may do this to. */
  const resourcesOf = (stack: string, rolePrefix: string, action: string) =>
    placed
      .of("AWS::IAM::Role")
      .filter(({ id }) => id.startsWith(rolePrefix))
      .map(({ id }) => placed.statementsOf(stack, id).filter(({ Action }) => Action.includes(action)))
      .map((statements) => JSON.stringify(statements.map(({ Resource }) => Resource)));

  it("the HTTP API call the functions of transfers and of scan results, and no other", () => {
    const [called = "", ...others] = resourcesOf("Functions", "FunctionshttpapiRole", "lambda:InvokeFunction");
    assert.deepEqual(others, []);
    assert.match(
      called,
      /^\[\[\{"ref":"Functions\/FunctionsscanresultFunction[^"]+"\},\{"ref":"Functions\/FunctionstransfersFunction[^"]+"\}\]\]$/,
    );
  });

  it("a gateway task keep tasks of its own cluster from being ended, and no others", () => {
    const roles = resourcesOf("Gateway", "Poolsteady", "ecs:UpdateTaskProtection").filter((each) => each !== "[]");
    assert.equal(roles.length, 1);
    assert.match(roles[0] ?? "", /:task\/.*Cluster.*\/\*/);
  });
});
