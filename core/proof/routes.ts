// Proofs over HTTP: what is known of a scenario, and proving it anew.
import Router from '@koa/router'
import { z } from 'zod'
import { SeesawError } from '../errors.ts'
import { closed, readBody } from '../http/problems.ts'
import type { ProofBook } from './book.ts'

const name = z.string().min(1).max(300)
const askedSchema = z.strictObject({
  targets: z.array(name).max(200).default([]),
  backends: z.union([z.array(name), z.literal('all')]).optional(),
  claims: z.array(name).min(1).max(200).optional(),
  workers: z.int().min(1).max(64).optional(),
})

/** The routes of proofs; `busy` says why none can be made at the moment. */
export const proofRoutes = (
  proofs: ProofBook,
  options: { env(): Promise<Record<string, string>>; busy(): string | undefined },
): Router => {
  const router = new Router()

  router.get('/api/proofs', async (ctx) => {
    const { scenario } = ctx.query
    if (typeof scenario !== 'string')
      throw new SeesawError('WRONG_USE', 'Say of which scenario: /api/proofs?scenario=<id>.')
    ctx.body = await proofs.list(scenario)
  })

  router.post('/api/prove', async (ctx) => {
    const asked = readBody(askedSchema, ctx.request.body)
    ctx.body = await proofs.prove(asked, { ...options, until: closed(ctx.res) })
  })

  return router
}
