import { writeFileSync } from "node:fs";
import { development } from "../config/development.ts";
import { production } from "../config/production.ts";
import { resolveStage } from "../lib/configuration/stage.ts";
import { costPage } from "../lib/cost/page.ts";

/** `npm run cost`: writes docs/cost.md. */
const file = new URL("../docs/cost.md", import.meta.url);
writeFileSync(file, costPage({ development: resolveStage(development), production: resolveStage(production) }));
