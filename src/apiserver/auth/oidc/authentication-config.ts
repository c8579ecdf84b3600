/**
 * The file of `--authentication-config`: issuers of tokens, and where anonymous requests may go. Everything that is wrong with it is told;
 * CEL expressions are refused by the name of their field. Pure.
 * @source apiserver pkg/apis/apiserver/{types,validation/validation}.go, v1.35
 */
import { fieldErrors, type FieldError } from '../../../api/index.ts';
import { parseYaml, YamlSyntaxError } from '../../../api/yaml/index.ts';
import { readAuthorities } from '../client-certificate.ts';
import { type JwtAuthenticator, type PrefixedClaim, signingAlgorithms } from './jwt-authenticator.ts';
import { type ConfigNode, ConfigReader } from '../../configuration/index.ts';

export interface AuthenticationConfig {
  readonly jwt: readonly JwtAuthenticator[];
  /** Undefined: the file says nothing about it. */
  readonly anonymous?: {
    readonly enabled: boolean;
    /** Empty: every path. */
    readonly paths: readonly string[];
  };
}

/** The file cannot be used; the message tells every fault. */
export class AuthenticationConfigError extends Error {
  override readonly name = 'AuthenticationConfigError';
}

const group = 'apiserver.config.k8s.io';
const versions = [`${group}/v1`, `${group}/v1beta1`];
const maxIssuers = 64;
const notBuilt = 'CEL expressions are not supported';

const { duplicate, forbidden, invalidUnshown, invalidValue, required, tooMany } = fieldErrors;

/**
 * @param ownIssuers issuers of ServiceAccount tokens, which nobody else may claim to be
 * @throws AuthenticationConfigError
 */
export function readAuthenticationConfig(text: string, ownIssuers: readonly string[]): AuthenticationConfig {
  const reader = new ConfigReader(parseDocument(text));
  const { errors } = reader;
  const root = reader.object('', ['apiVersion', 'kind', 'jwt', 'anonymous']);
  const { apiVersion, kind } = root.value;
  if (kind !== 'AuthenticationConfiguration' || typeof apiVersion !== 'string' || !versions.includes(apiVersion)) {
    const found = `${String(kind)} of ${String(apiVersion)}`;
    throw new AuthenticationConfigError(`no AuthenticationConfiguration of ${versions.join(' or ')}: ${found}`);
  }
  const entries = root.list('jwt');
  if (entries.length > maxIssuers) errors.push(tooMany('jwt', entries.length, maxIssuers));
  const jwt = entries.slice(0, maxIssuers).map((entry) => readJwt(entry, ownIssuers));
  errors.push(...duplicates(jwt, 'url', ({ issuerUrl }) => issuerUrl));
  errors.push(...duplicates(jwt, 'discoveryURL', ({ discoveryUrl }) => discoveryUrl));
  const anonymous = root.value['anonymous'] === undefined ? undefined : readAnonymous(root.child('anonymous', ['enabled', 'conditions']));
  if (reader.unknown.length > 0) {
    const unknown = reader.unknown.map((path) => `unknown field "${path}"`).join(', ');
    throw new AuthenticationConfigError(`strict decoding error: ${unknown}`);
  }
  if (errors.length > 0) throw new AuthenticationConfigError(errors.map(({ field, message }) => `${field}: ${message}`).join('; '));
  return { jwt, ...(anonymous && { anonymous }) };
}

function parseDocument(text: string): unknown {
  try {
    return parseYaml(text).value;
  } catch (error) {
    if (error instanceof YamlSyntaxError) throw new AuthenticationConfigError(error.message, { cause: error });
    throw error;
  }
}

function readJwt(entry: ConfigNode, ownIssuers: readonly string[]): JwtAuthenticator {
  entry.only(['issuer', 'claimValidationRules', 'claimMappings', 'userValidationRules']);
  for (const rule of entry.list('userValidationRules')) rule.fault((path) => forbidden(`${path}.expression`, notBuilt));
  const issuer = readIssuer(
    entry.child('issuer', ['url', 'discoveryURL', 'certificateAuthority', 'audiences', 'audienceMatchPolicy', 'egressSelectorType']),
    ownIssuers,
  );
  return { ...issuer, ...readMappings(entry), requiredClaims: readRules(entry), signingAlgorithms };
}

type Issuer = Pick<JwtAuthenticator, 'issuerUrl' | 'discoveryUrl' | 'certificateAuthority' | 'audiences'>;

function readIssuer(issuer: ConfigNode, ownIssuers: readonly string[]): Issuer {
  const issuerUrl = issuer.text('url');
  const discoveryUrl = issuer.text('discoveryURL');
  const ca = issuer.text('certificateAuthority');
  if (issuerUrl === '') issuer.fault((path) => required(`${path}.url`));
  else checkUrl(issuer, 'url', issuerUrl);
  if (ownIssuers.includes(issuerUrl)) {
    const own = `URL must not overlap with disallowed issuers: [${ownIssuers.join(' ')}]`;
    issuer.fault((path) => invalidValue(`${path}.url`, issuerUrl, own));
  }
  if (discoveryUrl !== '') {
    if (discoveryUrl.replace(/\/+$/, '') === issuerUrl.replace(/\/+$/, '')) {
      issuer.fault((path) => invalidValue(`${path}.discoveryURL`, discoveryUrl, 'discoveryURL must be different from URL'));
    }
    checkUrl(issuer, 'discoveryURL', discoveryUrl);
  }
  if (ca !== '' && !isCertificate(ca)) {
    issuer.fault((path) =>
      invalidValue(`${path}.certificateAuthority`, '<omitted>', 'data does not contain any valid RSA or ECDSA certificates'),
    );
  }
  if (issuer.text('egressSelectorType') !== '')
    issuer.fault((path) => forbidden(`${path}.egressSelectorType`, 'egress selectors are not supported'));
  return {
    issuerUrl,
    ...(discoveryUrl !== '' && { discoveryUrl }),
    ...(ca !== '' && { certificateAuthority: ca }),
    audiences: readAudiences(issuer),
  };
}

function readAudiences(issuer: ConfigNode): readonly string[] {
  const audiences = issuer.texts('audiences');
  const policy = issuer.text('audienceMatchPolicy');
  if (audiences.length === 0) issuer.fault((path) => required(`${path}.audiences`, `at least one ${path}.audiences is required`));
  audiences.forEach((audience, i) => {
    if (audience === '') issuer.fault((path) => required(`${path}.audiences[${i}]`));
    if (audiences.indexOf(audience) < i) issuer.fault((path) => duplicate(`${path}.audiences[${i}]`, audience));
  });
  const wrong = (detail: string): void => issuer.fault((path) => invalidValue(`${path}.audienceMatchPolicy`, policy, detail));
  if (audiences.length > 1 && policy !== 'MatchAny') wrong('audienceMatchPolicy must be MatchAny for multiple audiences');
  if (audiences.length === 1 && policy !== '' && policy !== 'MatchAny') {
    wrong('audienceMatchPolicy must be empty or MatchAny for single audience');
  }
  return audiences;
}

function readMappings(entry: ConfigNode): Pick<JwtAuthenticator, 'username' | 'groups' | 'uidClaim'> {
  const mappings = entry.child('claimMappings', ['username', 'groups', 'uid', 'extra']);
  const username = readPrefixed(mappings, 'username');
  if (!username) mappings.fault((path) => required(`${path}.username`, 'claim or expression is required'));
  const groups = readPrefixed(mappings, 'groups');
  const uid = mappings.child('uid', ['claim', 'expression']);
  if (uid.text('expression') !== '') uid.fault((path) => forbidden(`${path}.expression`, notBuilt));
  for (const extra of mappings.list('extra')) extra.fault((path) => forbidden(`${path}.valueExpression`, notBuilt));
  const uidClaim = uid.text('claim');
  return { username: username ?? { claim: '', prefix: '' }, ...(groups && { groups }), ...(uidClaim !== '' && { uidClaim }) };
}

/** Undefined when nothing is said. */
function readPrefixed(mappings: ConfigNode, field: string): PrefixedClaim | undefined {
  const mapping = mappings.child(field, ['claim', 'prefix', 'expression']);
  const claim = mapping.text('claim');
  const hasExpression = mapping.text('expression') !== '';
  if (hasExpression && claim !== '') mapping.fault((path) => invalidValue(path, '', "claim and expression can't both be set"));
  else if (hasExpression) mapping.fault((path) => forbidden(`${path}.expression`, notBuilt));
  const said = 'prefix is required when claim is set. It can be set to an empty string to disable prefixing';
  if (claim !== '' && mapping.value['prefix'] === undefined) mapping.fault((path) => required(`${path}.prefix`, said));
  return claim === '' && !hasExpression ? undefined : { claim, prefix: mapping.text('prefix') };
}

function readRules(entry: ConfigNode): Map<string, string> {
  const rules = new Map<string, string>();
  for (const rule of entry.list('claimValidationRules')) {
    rule.only(['claim', 'requiredValue', 'expression', 'message']);
    const [claim, expression, message] = [rule.text('claim'), rule.text('expression'), rule.text('message')];
    if (claim !== '' && expression !== '') rule.fault((path) => invalidValue(path, claim, "claim and expression can't both be set"));
    else if (expression !== '') rule.fault((path) => forbidden(`${path}.expression`, notBuilt));
    else if (claim === '') rule.fault((path) => required(path, 'claim or expression is required'));
    else if (message !== '') rule.fault((path) => invalidValue(`${path}.message`, message, 'may not be specified when claim is set'));
    if (rules.has(claim)) rule.fault((path) => duplicate(`${path}.claim`, claim));
    rules.set(claim, rule.text('requiredValue'));
  }
  return rules;
}

function readAnonymous(anonymous: ConfigNode): NonNullable<AuthenticationConfig['anonymous']> {
  const enabled = anonymous.value['enabled'] === true;
  const paths = anonymous.list('conditions').map((condition) => condition.only(['path']).text('path'));
  if (!enabled && paths.length > 0) {
    anonymous.fault((path) => invalidUnshown(`${path}.conditions`, 'enabled should be set to true when conditions are defined'));
  }
  return { enabled, paths };
}

/** What is wrong with the URL of an issuer. @source validateURL */
export function urlFaults(text: string): string[] {
  const url = URL.parse(text);
  if (!url) return ['URL is not valid'];
  return [
    ...(url.protocol === 'https:' ? [] : ['URL scheme must be https']),
    ...(url.username === '' && url.password === '' ? [] : ['URL must not contain a username or password']),
    ...(url.search === '' ? [] : ['URL must not contain a query']),
    ...(url.hash === '' ? [] : ['URL must not contain a fragment']),
  ];
}

function checkUrl(node: ConfigNode, field: string, text: string): void {
  for (const fault of urlFaults(text)) node.fault((path) => invalidValue(`${path}.${field}`, text, fault));
}

function isCertificate(pem: string): boolean {
  try {
    return readAuthorities(pem).length > 0;
  } catch {
    // Node's message says nothing that helps.
    return false;
  }
}

function duplicates(
  jwt: readonly JwtAuthenticator[],
  field: string,
  valueOf: (entry: JwtAuthenticator) => string | undefined,
): FieldError[] {
  const seen = new Set<string>();
  return jwt.flatMap((entry, i) => {
    const value = valueOf(entry);
    if (!value) return [];
    const known = seen.has(value);
    seen.add(value);
    return known ? [duplicate(`jwt[${i}].issuer.${field}`, value)] : [];
  });
}
