import type {
  IPolicyValidationContext,
  IPolicyValidationPlugin,
  PolicyValidationPluginReport,
  PolicyViolation,
} from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import type { IConstruct } from "constructs";
import { acknowledgedResourcesOf } from "./constructs/acknowledge.ts";

/**
 * cdk-nag's rules for AWS solutions. Of wildcards in policies it passes the resources that a construct has stated a
 * reason for: the exact text of such a finding holds names that exist only once everything is put together, so that
 * `Validations.acknowledge` cannot name it beforehand.
 */
export class ProductChecks implements IPolicyValidationPlugin {
  readonly name = "AwsSolutions";
  readonly #rules = new AwsSolutionsChecks();

  validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    const report = this.#rules.validate(context);
    const violations = report.violations
      .map((violation) => withoutAcknowledged(violation, context.appConstruct))
      .filter(({ violatingResources }) => violatingResources.length > 0);
    return { ...report, success: violations.length === 0, violations };
  }
}

function withoutAcknowledged(violation: PolicyViolation, app: IConstruct): PolicyViolation {
  const [, resource] = /^AwsSolutions-IAM5\[Resource::(.+)\]$/s.exec(violation.ruleName) ?? [];
  if (resource === undefined) return violation;
  const violatingResources = violation.violatingResources.filter(({ constructPath = "" }) => {
    const policy = app.node.findAll().find(({ node }) => node.path === constructPath);
    return policy === undefined || !acknowledgedResourcesOf(policy).some(({ end }) => endsIn(resource, end));
  });
  return { ...violation, violatingResources };
}

/** Names of other resources stand in brackets; what follows the last one is told apart from them. */
function endsIn(resource: string, end: string): boolean {
  const tail = resource.slice(Math.max(resource.lastIndexOf("}"), resource.lastIndexOf(">")) + 1);
  return tail === end || (end.startsWith(":") && tail.endsWith(end));
}
