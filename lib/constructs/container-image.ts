import { aws_ecr as ecr, aws_ecs as ecs } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { ecrImageOf } from "../configuration/values.ts";

/**
 * The image of a URI. One in Amazon ECR is given with its repository, so that what runs it is let at it; one of another
 * account needs a policy of the repository too.
 */
export function containerImage(scope: Construct, id: string, uri: string): ecs.ContainerImage {
  const found = ecrImageOf(uri);
  if (found === undefined) return ecs.ContainerImage.fromRegistry(uri);
  const { partition, region, account, repository: repositoryName, version } = found;
  const repositoryArn = `arn:${partition}:ecr:${region}:${account}:repository/${repositoryName}`;
  const repository = ecr.Repository.fromRepositoryAttributes(scope, id, { repositoryArn, repositoryName });
  return ecs.ContainerImage.fromEcrRepository(repository, version);
}
