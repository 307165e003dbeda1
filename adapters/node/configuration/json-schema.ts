import { z } from "zod";
import { configurationSchema } from "./schema.ts";

/** The JSON Schema of the configuration file (draft 7, which every editor understands). */
export function configurationJsonSchema(): object {
  const schema = configurationSchema({ fromFile: () => "", fromVariable: () => "" });
  return { title: "Ferrygate configuration", ...z.toJSONSchema(schema, { io: "input", target: "draft-07" }) };
}
