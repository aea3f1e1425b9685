import { rolePolicies } from '../../cli/schemas/command-permissions.ts';
import { account, region } from './template-policies.ts';
import type { TemplatePolicy } from './template-policies.ts';

/** The policies of docs/iam, as an administrator fills them in. */
export function documentedPolicies(): (TemplatePolicy & { template: string })[] {
  return [...rolePolicies()].map(([name, policy]) => {
    const filled = policy
      .replaceAll('STACK', 'sluice-prod')
      .replaceAll('REGION', region)
      .replaceAll('ACCOUNT', account);
    return { template: `docs/iam/${name}`, where: 'docs/iam', policy: JSON.parse(filled) as unknown };
  });
}
