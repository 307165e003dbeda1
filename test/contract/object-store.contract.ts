import { describe } from "node:test";
import { keptUploadsContract } from "./kept-uploads.contract.ts";
import { objectContentsContract } from "./object-contents.contract.ts";
import { objectNamesContract } from "./object-names.contract.ts";
import { objectStoreModelContract } from "./object-store-model.contract.ts";
import type { CreateStore } from "./store-under-test.ts";

/** What every ObjectStore has to do, whatever it stands on. */
export function objectStoreContract(name: string, create: CreateStore, { modelRuns = 100 } = {}): void {
  describe(name, () => {
    objectContentsContract(create);
    keptUploadsContract(create);
    objectNamesContract(create);
    objectStoreModelContract(create, modelRuns);
  });
}
