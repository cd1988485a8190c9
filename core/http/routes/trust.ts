import { isAbsolute } from 'node:path'
import Type from '../../typebox.js'
import { inspectTrust, type Trust } from '../../config/trust.js'
import { trustedEntry } from '../../config/trust/entry.js'
import { apiError, messageOf } from '../../errors.js'
import { BODY_ERRORS, Identifier, responses, Strict, Time } from '../schemas.js'
import type { App, Services } from '../types.js'

/** Where the user's decision to trust a project is told, so that it is recorded when it is made; what it allows counts from the next start. */
export async function trustRoutes (app: App, { clock }: Services): Promise<void> {
  app.post('/api/trust', {
    config: { access: 'admin', scope: 'sidecar', audit: 'project.trusted' },
    schema: {
      summary: 'Records that the user trusts what a project brings; called by cco trust',
      tags: ['projects'],
      body: Strict({
        project_id: Identifier,
        root: Type.String({ minLength: 1, maxLength: 4096, description: 'Absolute path of the project.' }),
        hash: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of what it brings, as it was shown to the user.' })
      }),
      response: responses({ 201: Type.Object({ project_id: Type.String(), hash: Type.String(), files: Type.Array(Type.String()), timestamp: Time }) }, ...BODY_ERRORS)
    }
  }, async (request, reply) => {
    const { project_id: id, root, hash } = request.body
    if (!isAbsolute(root)) throw wrong('root', 'must be an absolute path')
    const trust = await inspect(root)
    if (trust.hash !== hash) throw wrong('hash', 'is not that of what the project brings now')
    const { resource, project, details } = trustedEntry(id, trust)
    request.act = { resource, project, details }
    return await reply.code(201).send({ project_id: id, hash, files: trust.subjects.map(({ path }) => path), timestamp: new Date(clock()).toISOString() })
  })
}

async function inspect (root: string): Promise<Trust> {
  try {
    return await inspectTrust(root)
  } catch (error) {
    throw wrong('root', `cannot be read: ${messageOf(error)}`, error)
  }
}

function wrong (path: string, message: string, cause?: unknown): Error {
  return apiError('VAL_001', `${path} ${message}.`, { details: { issues: [{ path, message }] }, ...(cause === undefined ? {} : { cause }) })
}
