import type { Environment } from './feed-environment.ts';
import { SettingsError } from './settings-error.ts';
import type { Egress } from './stages/stage-numbers.ts';
import { securityGroupId, subnetId } from './stages/stage-numbers.ts';

const [kindName, subnetsName, groupsName] = [
  'SLUICE_EGRESS',
  'SLUICE_EGRESS_SUBNETS',
  'SLUICE_EGRESS_SECURITY_GROUPS',
] as const;

/**
 * How consumers reach the APIs, by the environment; undefined if it does not set that.
 * @throws SettingsError with a sentence for each variable that can't work
 */
export function readEgress(environment: Environment): Egress | undefined {
  const text = (name: string): string => environment[name]?.trim() ?? '';
  const kind = text(kindName);
  const others = [subnetsName, groupsName].filter((name) => text(name) !== '');
  if (kind !== 'subnets' && others.length > 0) {
    throw new SettingsError(
      others.map(
        (name) => `${name} is set, and ${kindName} is '${kind}'; it counts only where ${kindName} is subnets.`,
      ),
    );
  }
  switch (kind) {
    case '':
      return undefined;
    case 'lambda':
    case 'static':
      return { kind };
    case 'subnets': {
      const faults: string[] = [];
      const list = (name: string, schema: typeof subnetId, wanted: string): string[] => {
        const ids = text(name)
          .split(',')
          .flatMap((id) => id.trim() || []);
        if (ids.length === 0 || !ids.every((id) => schema.safeParse(id).success)) {
          faults.push(`${name} is '${text(name)}'; it must be ${wanted}, with commas between them.`);
        }
        return ids;
      };
      const subnetIds = list(subnetsName, subnetId, 'ids of subnets, subnet-…');
      const securityGroupIds = list(groupsName, securityGroupId, 'ids of security groups, sg-…');
      if (faults.length > 0) throw new SettingsError(faults);
      return { kind, subnetIds, securityGroupIds };
    }
    default:
      throw new SettingsError([`${kindName} is '${kind}'; it must be lambda, static or subnets.`]);
  }
}
