import type { Command } from 'commander'
import type { AgentProfile } from '../../core/contracts/index.js'
import { examples, segment } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { counted, oneLine, pairs, show, table } from '../output.js'
import type { Colors, Terminal } from '../terminal.js'

interface ListOptions extends CallingOptions { group?: string }

type Shown = AgentProfile & { strategies?: { need: string, strategies: string[] }[] }

/** `cco profiles`: which agent types there are, and what each is given. */
export function addProfiles (program: Command, terminal: Terminal): void {
  const group = program.command('profiles').description('which agent types there are, and what each is given')
  const list = calling(group.command('list')
    .description('all agent types of the project')
    .option('--group <group>', 'those of one group, for example coding'))
    .action(async (options: ListOptions) => {
      const client = await connect(options, terminal)
      const answer = await client.call<{ profiles: AgentProfile[] }>('GET', '/api/profiles')
      const profiles = answer.profiles.filter((profile) => options.group === undefined || profile.group === options.group)
      show(terminal, options.format, { ...answer, profiles }, (shown, colors) => describeList(shown.profiles, colors))
    })
  examples(list, 'cco profiles list', 'cco profiles list --group qa-security')
  const one = calling(group.command('show').description('one agent type').argument('<agent_type>', 'for example python-specialist'))
    .action(async (type: string, options: CallingOptions) => {
      const client = await connect(options, terminal)
      show(terminal, options.format, await client.call<Shown>('GET', `/api/profiles/${segment(type)}`), describeOne)
    })
  examples(one, 'cco profiles show security-auditor')
  examples(group, 'cco profiles list')
}

function describeList (profiles: readonly AgentProfile[], colors: Colors): string {
  if (profiles.length === 0) return 'No agent types.'
  const body = table(profiles, [
    { title: 'AGENT TYPE', value: (profile) => profile.id },
    { title: 'GROUP', value: (profile) => profile.group },
    { title: 'MODEL', value: (profile) => profile.model?.tier },
    { title: 'ROLE', value: (profile) => oneLine(profile.role ?? '', 90) }
  ], colors)
  return `${body}\n${colors.dim(counted(profiles.length, 'agent type'))}`
}

function describeOne (profile: Shown, colors: Colors): string {
  const servants = new Map((profile.strategies ?? []).map(({ need, strategies }) => [need, strategies.join(', ')]))
  const rate = profile.limits.requests_per_minute
  const head = pairs([
    ['agent type', `${profile.id}  ${profile.name}`, colors.bold],
    ['group', `${profile.group}, category ${profile.category}`],
    ['role', profile.role],
    ['model', profile.model.tier + (profile.model.fallback === undefined ? '' : `, else ${profile.model.fallback}`)],
    ['authority', `${profile.authority.level}; low risk: ${profile.authority.low_risk}, medium: ${profile.authority.medium_risk}, high: ${profile.authority.high_risk}`],
    ['asks before', profile.authority.requires_approval.join('; ')],
    ['permissions', profile.permissions.join(', ')],
    ['rate', rate === null ? 'unlimited' : `${rate} requests/min, burst ${profile.limits.burst ?? '-'}`],
    ['subscribes', profile.subscribes.join(', ')],
    ['publishes', profile.publishes.join(', ')],
    ['hands over to', profile.handoff.success.join(', ')]
  ], colors)
  const needs = table(profile.context.requirements, [
    { title: 'NEEDS', value: (requirement) => requirement.need },
    { title: 'WEIGHT', value: (requirement) => requirement.weight ?? 1, align: 'right' },
    { title: 'SERVED BY', value: (requirement) => servants.get(requirement.need) || (requirement.optional === true ? 'nothing (optional)' : '-') }
  ], colors)
  return [head, needs, profile.capabilities.map((capability) => `  - ${capability}`).join('\n')].join('\n\n')
}
