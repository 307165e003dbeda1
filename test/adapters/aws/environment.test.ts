import assert from "node:assert/strict";
import { test } from "node:test";
import {
  EnvironmentError,
  optionalNumber,
  optionalText,
  optionalTruth,
  readEnvironment,
  requiredText,
} from "../../../adapters/aws/environment.ts";

const variables = {
  table: requiredText("TABLE"),
  bucket: requiredText("BUCKET"),
  role: optionalText("ROLE"),
  verbose: optionalTruth("VERBOSE"),
  receives: optionalNumber("RECEIVES", { lowest: 1, highest: 1000, fallback: 5 }),
};

test("variables are read into values, with what stands where they are not set", () => {
  const values = readEnvironment({ TABLE: "t", BUCKET: "b", ROLE: "", VERBOSE: "true", RECEIVES: "7" }, variables);
  assert.deepEqual(values, { table: "t", bucket: "b", role: undefined, verbose: true, receives: 7 });
  assert.equal(readEnvironment({ TABLE: "t", BUCKET: "b" }, variables).receives, 5);
});

test("every problem is listed, by the name of the variable and without its value", () => {
  assert.throws(
    () => readEnvironment({ TABLE: "", VERBOSE: "secret", RECEIVES: "1001" }, variables),
    (error) => {
      assert.ok(error instanceof EnvironmentError);
      assert.deepEqual(error.problems, [
        "TABLE is not set",
        "BUCKET is not set",
        "VERBOSE is neither true nor false",
        "RECEIVES is not a number from 1 to 1000",
      ]);
      assert.match(error.message, /TABLE is not set; BUCKET is not set/);
      return true;
    },
  );
});
