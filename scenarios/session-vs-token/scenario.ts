// Where the knowledge that you are signed in lives, and what follows from it.
import { defineScenario } from '#core/scenario'
import * as exercises from './exercises.ts'
import believesHeader from './variants/believes-header.ts'
import serverSession from './variants/server-session.ts'
import signedCookieSession from './variants/signed-cookie-session.ts'
import signedToken from './variants/signed-token.ts'
import tokenWithDenylist from './variants/token-with-denylist.ts'

const everyone = () => true
const safe = [
  'server-session',
  'signed-token',
  'token-with-denylist',
  'signed-cookie-session',
] as const
const adasPage = JSON.stringify({ name: 'ada', role: 'editor' })

export default defineScenario({
  title: 'Session or token',
  question: 'Who remembers that you are signed in: the server, or you?',
  chapter: 'authentication',
  primary: 'cpu',
  minutes: 30,
  difficulty: 1,

  duel: {
    between: ['server-session', 'signed-token'],
    because:
      'On every request, one looks an id up in its own memory, and the ' +
      'other checks a signature. The check goes through WebCrypto here, ' +
      'another thread and back, and that costs more than the hash itself.',
    lines: ['session.get(id)', 'await jwtVerify<Claims>(token'],
  },

  variants: {
    'server-session': serverSession,
    'signed-token': signedToken,
    'token-with-denylist': tokenWithDenylist,
    'signed-cookie-session': signedCookieSession,
    'believes-header': believesHeader,
  },

  // Where time matters a sign-in lasts about a second: long enough for a busy
  // machine to answer in between, short enough to wait for its end.
  claims: {
    'stolen-copy': {
      says: 'Signing out locks out a copy that was stolen before.',
      exercise: exercises.stolenCopy,
      attack: true,
      heldBy: ['server-session', 'token-with-denylist'],
      lines: {
        'server-session': "await session.delete(ctx.cookies.get('sid') ?? '')",
        'signed-token': 'if (await whoIs(ctx)) ctx.status = 204',
      },
    },
    'signed-in-again': {
      says: 'Signing in again ends what was stolen before.',
      exercise: exercises.signedInAgain,
      attack: true,
      heldBy: ['server-session'],
      lines: {
        'server-session': "await session.delete(ctx.cookies.get('sid') ?? '')",
      },
    },
    'busy-thief': {
      says: 'A stolen copy is dead one lifetime after sign-out, however busy.',
      exercise: exercises.busyThief,
      attack: true,
      heldBy: [
        'server-session',
        'signed-token',
        'token-with-denylist',
        'believes-header',
      ],
      knobs: { sessionTtlMs: 1500 },
    },
    'every-device': {
      says: '"Sign out everywhere" reaches every device.',
      exercise: exercises.everyDevice,
      heldBy: ['server-session', 'token-with-denylist'],
    },
    'role-taken-away': {
      says: 'A role that is taken away is gone on the next request.',
      exercise: exercises.roleTakenAway,
      heldBy: ['server-session', 'token-with-denylist'],
      lines: {
        'server-session':
          'await session.replace(id, { ...found, role: person.role })',
      },
    },

    'known-elsewhere': {
      says: 'Who signs in at one process is known at the other.',
      exercise: exercises.knownElsewhere,
      workers: 2,
      heldBy: ({ variant, traits }) =>
        variant !== 'server-session' || traits.sharedBetweenProcesses,
    },
    'out-elsewhere': {
      says: 'Who signs out at one process is out at the other.',
      exercise: exercises.outElsewhere,
      workers: 2,
      // A session that only one process knows was never any good at the other.
      heldBy: ({ variant, traits }) =>
        variant === 'server-session' ||
        (variant === 'token-with-denylist' && traits.sharedBetweenProcesses),
    },
    'in-after-restart': {
      says: 'A sign-in outlives a restart of the servers.',
      exercise: exercises.inAfterRestart,
      heldBy: ({ variant, traits }) =>
        variant !== 'server-session' || traits.survivesRestart,
    },
    'out-after-restart': {
      says: 'A sign-out outlives a restart of the servers.',
      exercise: exercises.outAfterRestart,
      // Sessions that are forgotten leave nobody in, a forgotten denylist does.
      heldBy: ({ variant, traits }) =>
        variant === 'server-session' ||
        (variant === 'token-with-denylist' && traits.survivesRestart),
    },

    'keeps-coming-back': {
      says: 'Who keeps coming back stays signed in.',
      exercise: exercises.keepsComingBack,
      heldBy: ['server-session', 'signed-cookie-session'],
      knobs: { sessionTtlMs: 1500 },
    },
    'last-end': {
      says: 'However often it is used, a sign-in ends for good one day.',
      exercise: exercises.lastEnd,
      heldBy: [
        'server-session',
        'signed-token',
        'token-with-denylist',
        'believes-header',
      ],
      knobs: { sessionTtlMs: 2000, absoluteTtlMs: exercises.lastsAtMostMs },
      lines: {
        'server-session':
          'if (!found || nowMs() >= sinceMs + knobs.absoluteTtlMs)',
        'signed-cookie-session': 'issue(ctx, data)',
      },
    },
    'away-too-long': {
      says: 'Who stays away for longer than a sign-in lasts is out.',
      exercise: exercises.awayTooLong,
      heldBy: everyone,
      knobs: { sessionTtlMs: 600 },
    },

    forgeries: {
      says: 'What was altered, cut, guessed or signed by others is refused.',
      exercise: exercises.forgeries,
      attack: true,
      heldBy: everyone,
    },
    'alg-none': {
      says: 'A token that says it needs no signature is refused.',
      exercise: exercises.algNone,
      attack: true,
      heldBy: safe,
      lines: {
        'signed-token': 'await jwtVerify<Claims>(token, await key, rules)',
        'believes-header': 'none: () => true',
      },
    },
    'confused-key': {
      says: "A token signed with the server's public key is refused.",
      exercise: exercises.confusedKey,
      attack: true,
      heldBy: safe,
      lines: {
        'signed-token': "algorithms: ['HS256']",
        'believes-header':
          'const check = checks[String(decode(head).alg).toLowerCase()]',
      },
    },
    'next-credential': {
      says: 'From those seen so far nobody guesses the next credential.',
      exercise: exercises.nextCredential,
      attack: true,
      heldBy: everyone,
      lines: {
        'server-session': "const id = randomBytes(32).toString('base64url')",
      },
    },
    'planted-id': {
      says: 'What was planted in a browser before sign-in is not adopted.',
      exercise: exercises.plantedId,
      attack: true,
      heldBy: everyone,
      lines: {
        'server-session': "const id = randomBytes(32).toString('base64url')",
      },
    },
    'read-copy': {
      says: 'A copy does not tell whoever reads it who you are.',
      exercise: exercises.readCopy,
      attack: true,
      heldBy: ['server-session'],
    },

    'told-expired': {
      says: 'Who comes too late is told so.',
      exercise: exercises.toldExpired,
      // A session that is gone leaves nothing behind that could tell why.
      heldBy: ({ variant }) => variant !== 'server-session',
      knobs: { sessionTtlMs: 200 },
    },
    'told-apart': {
      says: 'Missing, invalid, expired and revoked are told apart.',
      exercise: exercises.toldApart,
      heldBy: ['token-with-denylist'],
      knobs: { sessionTtlMs: 900 },
    },
  },

  workloads: {
    me: {
      says: 'Somebody who is signed in asks for /me, over and over.',
      prepare: async (client) => {
        await exercises.signIn(client, 'ada')
      },
      requests: () => [{ method: 'GET', path: '/me' }],
      judge: () => (seen) =>
        seen.status === 200 && seen.text === adasPage ? 'right' : 'wrong',
    },
  },
})
