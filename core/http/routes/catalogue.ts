import Type from '../../typebox.js'
import { apiError } from '../../errors.js'
import { profileSchema } from '../../profiles/schema.js'
import type { ServedProject } from '../../project/projects.js'
import { callerOf, isAdmin } from '../access.js'
import { BODY_ERRORS, Identifier, responses, Strict, Time, Verbatim } from '../schemas.js'
import type { App, Services } from '../types.js'

const { $schema: _, context: _context, ...profileMembers } = profileSchema.properties

const Profile = Type.Object({
  ...profileMembers,
  context: Type.Object({
    requirements: Type.Array(Type.Object({
      need: Type.String(), weight: Type.Optional(Type.Number()), optional: Type.Optional(Type.Boolean())
    }, { additionalProperties: true, description: 'Further members are parameters of the strategies.' })),
    max_tokens: Type.Optional(Type.Integer())
  }),
  strategies: Type.Array(Type.Object({ need: Type.String(), optional: Type.Boolean(), strategies: Type.Array(Type.String()) }))
})

const Project = Type.Object({ project_id: Type.String(), root: Type.String(), profiles: Type.Integer() })

function showProject ({ project, profiles }: ServedProject) {
  return { project_id: project.id, root: project.root, profiles: profiles.all().length }
}

/** What there is: agent profiles, projects and plugins. */
export async function catalogueRoutes (app: App, { projects, plugins }: Services): Promise<void> {
  app.get('/api/profiles', {
    config: { access: 'any' },
    schema: { summary: 'All agent types of the project', tags: ['profiles'], response: responses({ 200: Type.Object({ profiles: Type.Array(Profile) }) }, 404) }
  }, async (request) => {
    const { profiles } = projects.get(callerOf(request).project_id)
    return { profiles: profiles.all().map((profile) => ({ ...profile, strategies: profiles.strategies(profile.id) })) }
  })

  app.get('/api/profiles/:agent_type', {
    config: { access: 'any' },
    schema: { summary: 'One agent type', tags: ['profiles'], params: Strict({ agent_type: Identifier }), response: responses({ 200: Profile }, 404) }
  }, async (request) => {
    const { profiles } = projects.get(callerOf(request).project_id)
    const { agent_type: agentType } = request.params
    return { ...profiles.get(agentType), strategies: profiles.strategies(agentType) }
  })

  app.post('/api/projects', {
    config: { access: 'admin', scope: 'sidecar', audit: 'project.added' },
    schema: {
      summary: 'Serves a further repository',
      tags: ['projects'],
      body: Strict({ project_id: Identifier, root: Type.String({ minLength: 1, maxLength: 4096, description: 'Absolute path of an existing directory.' }) }),
      response: responses({ 201: Type.Object({ ...Project.properties, timestamp: Time }) }, ...BODY_ERRORS)
    }
  }, async (request, reply) => {
    const { project_id: id, root } = request.body
    if (!root.startsWith('/') && !/^[A-Za-z]:[\\/]/.test(root)) {
      throw apiError('VAL_001', 'root must be an absolute path.', { details: { issues: [{ path: 'root', message: 'must be absolute' }] } })
    }
    const served = await projects.add(id, root)
    request.act = { resource: `project/${id}`, project: id, details: { root } }
    return await reply.code(201).send({ ...showProject(served), timestamp: new Date().toISOString() })
  })

  app.get('/api/projects', {
    config: { access: 'any' },
    schema: { summary: 'The caller\'s project; all of them for the operator', tags: ['projects'], response: responses({ 200: Type.Object({ projects: Type.Array(Project) }) }, 404) }
  }, async (request) => {
    const caller = callerOf(request)
    const visible = isAdmin(caller) ? projects.all() : [projects.get(caller.project_id)]
    return { projects: visible.map(showProject) }
  })

  app.get('/api/plugins', {
    config: { access: 'any', scope: 'sidecar' },
    schema: { summary: 'What is loaded, and with which options', tags: ['plugins'], response: responses({ 200: Type.Object({ plugins: Type.Array(Verbatim) }) }) }
  }, async () => ({ plugins }))
}
