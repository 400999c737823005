// Headers, cookies and tokens, with what each of their parts means.
import { plain } from '../../plain.ts'
import { short } from '../ui/short.ts'
import { findTokens, readCookie, type Token } from './decode.ts'

/** The headers that tell a story come first. */
const telling =
  /^(authorization|cookie|www-authenticate|retry-after|ratelimit.*|location|etag|age|vary|cache-control|cache-status|content-type|x-api-key|x-client|allow)$/i

export const Headers = ({
  pairs,
  all = false,
}: {
  pairs: readonly (readonly [string, string])[]
  all?: boolean
}) => {
  const first = pairs.filter(([name]) => all || telling.test(name))
  const others = pairs.filter((pair) => !first.includes(pair))
  return (
    <>
      <HeaderList pairs={first} />
      {others.length > 0 && (
        <details class="others">
          <summary>{others.length} more headers</summary>
          <HeaderList pairs={others} />
        </details>
      )}
    </>
  )
}

const HeaderList = ({ pairs }: { pairs: readonly (readonly [string, string])[] }) =>
  pairs.length === 0 ? null : (
    <dl class="headers">
      {pairs.map(([name, value], i) => (
        <div key={`${i} ${name}`}>
          <dt>{plain(name)}</dt>
          <dd>{short(value, 400)}</dd>
        </div>
      ))}
    </dl>
  )

export const CookieView = ({ line }: { line: string }) => {
  const { name, value, attributes, missing } = readCookie(line)
  return (
    <div class="cookie">
      <p>
        Set-Cookie <code>{short(name, 100)}</code>
      </p>
      <dl class="headers">
        <div>
          <dt>value</dt>
          <dd>
            {value === '' ? <em>empty</em> : short(value, 400)}{' '}
            {findTokens(value).length === 0 && value !== '' && (
              <small>{value.length} characters that mean something to the server only</small>
            )}
          </dd>
        </div>
        {attributes.map((attribute, i) => (
          <div key={`${i} ${attribute.name}`}>
            <dt>{short(attribute.name, 100)}</dt>
            <dd>
              {short(attribute.value, 200)} <small>{plain(attribute.means)}</small>
            </dd>
          </div>
        ))}
        {missing.map(({ name, means }) => (
          <div key={name} class="missing">
            <dt>no {name}</dt>
            <dd>
              <small>{means}</small>
            </dd>
          </div>
        ))}
      </dl>
      <Tokens texts={[value]} />
    </div>
  )
}

export const Tokens = ({ texts }: { texts: readonly string[] }) => (
  <>
    {texts.flatMap(findTokens).map((token) => (
      <TokenView key={token.text} token={token} />
    ))}
  </>
)

const TokenView = ({ token }: { token: Token }) => (
  <div class="token">
    <p>
      <code>{short(token.text, 24)}</code> is {token.says}.
    </p>
    <div class="parts">
      {token.parts.map(({ name, json }) => (
        <div key={name}>
          <p>{name}</p>
          <pre>{short(json)}</pre>
        </div>
      ))}
    </div>
  </div>
)
