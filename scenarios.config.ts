// The one file to edit: which chapters there are and in which order, and where things run and are
// kept. What is left out takes the value in the comment beside it.
import { defineConfig } from './core/config.ts'

export default defineConfig({
  // In course order. A scenario that is not listed here appears under Drafts.
  chapters: {
    authentication: { title: 'Authentication', scenarios: ['session-vs-token'] },
    oauth: { title: 'OAuth 2.0 and OpenID Connect' },
    authorization: { title: 'Authorization and keys' },
    caching: { title: 'Caching', scenarios: ['cache-strategies'] },
    async: { title: 'Asynchronous work', scenarios: ['queue-types'] },
    load: { title: 'Rate limiting and load', scenarios: ['rate-limits'] },
    attacks: { title: 'Web attacks and defences' },
    data: { title: 'Data protection' },
    design: { title: 'Design and performance' },
  },

  // What a kind is kept in where neither the address nor a toggle says so. (memory; sqlite for db)
  backends: {},

  // Servers, by backend; an environment variable such as REDIS_URL goes before. (looked for on
  // their usual ports, then started from a program on this machine)
  connections: {
    // redis: 'redis://127.0.0.1:6379',
    // mongodb: 'mongodb://127.0.0.1:27017',
    // postgres: 'postgres://postgres@127.0.0.1:5432/postgres',
  },

  // The page and its API, and the scenarios. (3000, 3001)
  ports: { control: 3000, lab: 3001 },

  // Server processes that share the lab's port. With more than one, what a process keeps in its own
  // memory the others do not know. (1; proofs take as many as a claim needs)
  workers: 1,

  // Signing keys, files and databases; relative to this file. (.seesaw)
  dataFolder: '.seesaw',
})
