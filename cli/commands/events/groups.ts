import type { Command } from 'commander'
import { examples, segment } from '../../command-line.js'
import { confirm } from '../../confirm.js'
import { calling, connect, type CallingOptions } from '../../connect.js'
import { Failure } from '../../failure.js'
import { pairs, show, table, time } from '../../output.js'
import type { Terminal } from '../../terminal.js'

interface Group {
  group: string
  types: string[] | null
  topic: string | null
  filter: string | null
  ack_wait_seconds: number
  max_deliveries: number
  lag: number
  pending: number
  members: { member: string, pending: number, waiting: boolean }[]
  created_by: string
  created_at: string
}

const PATH = '/api/events/groups'

/** `cco events groups`: who shares the work of which events. */
export function addGroups (parent: Command, terminal: Terminal): void {
  const groups = parent.command('groups').description('consumer groups: members that share events')
  const list = calling(groups.command('list', { isDefault: true }).description('groups, with what they have before them'))
    .action(async (options: CallingOptions) => {
      const answer = await (await connect(options, terminal)).call<{ groups: Group[] }>('GET', PATH)
      show(terminal, options.format, answer, ({ groups: found }, colors) => (found.length === 0
        ? 'No groups.'
        : table(found, [
          { title: 'GROUP', value: ({ group }) => group },
          { title: 'LISTENS FOR', value: listensFor },
          { title: 'LAG', value: ({ lag }) => lag, align: 'right' },
          { title: 'PENDING', value: ({ pending }) => pending, align: 'right' },
          { title: 'MEMBERS', value: ({ members }) => members.length, align: 'right' }
        ], colors)))
    })
  examples(list, 'cco events groups list')
  const get = calling(groups.command('show').description('one group and its members').argument('<group>', 'name of the group'))
    .action(async (name: string, options: CallingOptions) => {
      const answer = await (await connect(options, terminal)).call<Group>('GET', `${PATH}/${segment(name)}`)
      show(terminal, options.format, answer, (group, colors) => [
        pairs([
          ['group', group.group],
          ['listens for', listensFor(group)],
          ['lag', group.lag],
          ['pending', group.pending],
          ['tries', `at most ${group.max_deliveries}, the first for ${group.ack_wait_seconds} s`],
          ['made', `${time(group.created_at)} by ${group.created_by}`]
        ], colors),
        ...group.members.length === 0
          ? []
          : ['', table(group.members, [
              { title: 'MEMBER', value: ({ member }) => member },
              { title: 'PENDING', value: ({ pending }) => pending, align: 'right' },
              { title: 'WAITS', value: ({ waiting }) => (waiting ? 'yes' : 'no') }
            ], colors)]
      ].join('\n'))
    })
  examples(get, 'cco events groups show builders')
  const remove = calling(groups.command('delete').description('forget a group; its events stay').argument('<group>', 'name of the group').option('--yes', 'do not ask'))
    .action(async (name: string, { yes, ...options }: CallingOptions & { yes?: boolean }) => {
      if (yes !== true && !await confirm(`Forget the group '${name}' and what it has not acknowledged?`, 'add --yes.', terminal)) throw new Failure('Nothing was changed.')
      const answer = await (await connect(options, terminal)).call<{ deleted: string }>('DELETE', `${PATH}/${segment(name)}`)
      show(terminal, options.format, answer, ({ deleted }) => `The group ${deleted} is forgotten.`)
    })
  examples(remove, 'cco events groups delete builders --yes')
  examples(groups, 'cco events groups list', 'cco events groups show builders')
}

function listensFor ({ types, topic, filter }: Group): string {
  return [types?.join(',') ?? 'any type', ...topic === null ? [] : [`under ${topic}`], ...filter === null ? [] : [`where ${filter}`]].join(' ')
}
