/**
 * The rules for names: DNS labels and subdomains, qualified names, label values, port and environment variable names. Each rule
 * returns what is wrong in upstream's words, one sentence a fault; an empty list means that the value is fine.
 * @source apimachinery pkg/util/validation/validation.go and pkg/api/validation/generic.go, v1.35
 */

const label1123 = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain1123 = `${label1123}(\\.${label1123})*`;
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualifiedName})?`;
const envVarName = '[-._a-zA-Z][-._a-zA-Z0-9]*';
const configMapKey = '[-._a-zA-Z0-9]+';
const cIdentifier = '[A-Za-z_][A-Za-z0-9_]*';
const httpHeaderName = '[-A-Za-z0-9]+';
const percent = '[0-9]+%';
const wildcardSubdomain = `\\*\\.${subdomain1123}`;

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const label1123Pattern = whole(label1123);
const subdomain1123Pattern = whole(subdomain1123);
const label1035Pattern = whole(label1035);
const qualifiedNamePattern = whole(qualifiedName);
const labelValuePattern = whole(labelValue);
const envVarNamePattern = whole(envVarName);
const configMapKeyPattern = whole(configMapKey);
const cIdentifierPattern = whole(cIdentifier);
const httpHeaderNamePattern = whole(httpHeaderName);
const percentPattern = whole(percent);
const wildcardSubdomainPattern = whole(wildcardSubdomain);

/** `message (e.g. 'a',  or 'b', regex used for validation is '…')`. */
export function regexError(message: string, pattern: string, ...examples: readonly string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${pattern}')`;
  return `${message} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`;
}

/** The words of the rules for DNS names, ports and keys. */
export function maxLengthError(length: number): string {
  return `must be no more than ${length} characters`;
}

/** Whether it has more bytes than that as UTF-8: what Go calls its length. */
function exceeds(value: string, bytes: number): boolean {
  if (value.length > bytes) return true;
  let extra = 0;
  for (const char of value) {
    const code = char.codePointAt(0)!;
    if (code > 0x7f) extra += code > 0x7ff ? 2 : 1;
  }
  return value.length + extra > bytes;
}

/** The words of the rules for labels. */
function maxBytesError(length: number): string {
  return `must be no more than ${length} bytes`;
}

export function inclusiveRangeError(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

/** A DNS label: lower case, digits and hyphens, at most 63. */
export function dns1123LabelErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 63)) errors.push(maxLengthError(63));
  if (!label1123Pattern.test(value)) {
    errors.push(
      subdomain1123Pattern.test(value)
        ? 'must not contain dots'
        : regexError(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            label1123,
            'my-name',
            '123-abc',
          ),
    );
  }
  return errors;
}

/** DNS labels joined by dots, at most 253. */
export function dns1123SubdomainErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 253)) errors.push(maxLengthError(253));
  if (!subdomain1123Pattern.test(value)) {
    errors.push(
      regexError(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        subdomain1123,
        'example.com',
      ),
    );
  }
  return errors;
}

/** A DNS label that begins with a letter. */
export function dns1035LabelErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 63)) errors.push(maxLengthError(63));
  if (!label1035Pattern.test(value)) {
    errors.push(
      regexError(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        label1035,
        'my-name',
        'abc-123',
      ),
    );
  }
  return errors;
}

/** `*.` and a subdomain. */
export function wildcardDns1123SubdomainErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 253)) errors.push(maxLengthError(253));
  if (!wildcardSubdomainPattern.test(value)) {
    errors.push(
      regexError(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
        wildcardSubdomain,
        '*.example.com',
      ),
    );
  }
  return errors;
}

/** A label or annotation key: `name` or `prefix/name`. */
export function qualifiedNameErrors(value: string): string[] {
  const slash = value.indexOf('/');
  const errors: string[] = [];
  const nameMessage = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const nameExamples = ['MyName', 'my.name', '123-abc'];
  if (slash >= 0) {
    if (value.indexOf('/', slash + 1) >= 0) {
      return [
        `a valid label key ${regexError(nameMessage, qualifiedName, ...nameExamples)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      ];
    }
    const prefix = value.slice(0, slash);
    if (prefix === '') errors.push('prefix part must be non-empty');
    else {
      // The rule for labels is one of its own, with words of its own for what is too long.
      if (exceeds(prefix, 253)) errors.push(`prefix part ${maxBytesError(253)}`);
      for (const error of dns1123SubdomainErrors(prefix)) if (error !== maxLengthError(253)) errors.push(`prefix part ${error}`);
    }
  }
  const name = slash >= 0 ? value.slice(slash + 1) : value;
  if (name === '') errors.push('name part must be non-empty');
  else if (exceeds(name, 63)) errors.push(`name part ${maxBytesError(63)}`);
  if (!qualifiedNamePattern.test(name)) errors.push(`name part ${regexError(nameMessage, qualifiedName, ...nameExamples)}`);
  return errors;
}

export function labelValueErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 63)) errors.push(maxBytesError(63));
  if (!labelValuePattern.test(value)) {
    errors.push(
      regexError(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        labelValue,
        'MyValue',
        'my_value',
        '12345',
      ),
    );
  }
  return errors;
}

/** A named port: at most 15 of [-a-z0-9] with a letter. */
export function portNameErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 15)) errors.push(maxLengthError(15));
  if (!/^[-a-z0-9]+$/.test(value)) errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

export function portNumberErrors(port: number): string[] {
  return port >= 1 && port <= 65535 ? [] : [inclusiveRangeError(1, 65535)];
}

/** An environment variable's name: printable ASCII without `=`, the rule since RelaxedEnvironmentVariableValidation. */
export function envVarNameErrors(value: string): string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  return /^[\x20-\x3c\x3e-\x7e]*$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** The older, stricter rule, still used for what a ConfigMap's keys become. */
export function strictEnvVarNameErrors(value: string): string[] {
  const errors: string[] = [];
  if (!envVarNamePattern.test(value)) {
    errors.push(
      regexError(
        "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
        envVarName,
        'my.env-name',
        'MY_ENV.NAME',
        'MyEnvName1',
      ),
    );
  }
  errors.push(...changeDirectoryErrors(value));
  return errors;
}

/** A key of a ConfigMap or Secret. */
export function configMapKeyErrors(value: string): string[] {
  const errors: string[] = [];
  if (exceeds(value, 253)) errors.push(maxLengthError(253));
  if (!configMapKeyPattern.test(value)) {
    errors.push(
      regexError(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        configMapKey,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  }
  errors.push(...changeDirectoryErrors(value));
  return errors;
}

export function cIdentifierErrors(value: string): string[] {
  return cIdentifierPattern.test(value)
    ? []
    : [
        regexError(
          "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
          cIdentifier,
          'my_name',
          'MY_NAME',
          'MyName',
        ),
      ];
}

export function httpHeaderNameErrors(value: string): string[] {
  return httpHeaderNamePattern.test(value)
    ? []
    : [regexError("a valid HTTP header must consist of alphanumeric characters or '-'", httpHeaderName, 'X-Header-Name')];
}

export function percentErrors(value: string): string[] {
  return percentPattern.test(value)
    ? []
    : [regexError("a valid percent string must be a numeric string followed by an ending '%'", percent, '1%', '93%')];
}

/** A name that is one segment of a path, the least that every object's name must be. */
export function pathSegmentErrors(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  const errors: string[] = [];
  for (const illegal of ['/', '%']) if (name.includes(illegal)) errors.push(`may not contain '${illegal}'`);
  return errors;
}

/** A rule for `metadata.name` made of a rule for whole names: a prefix (generateName) may end in a hyphen. */
export function nameRule(errors: (name: string) => string[]): (name: string, prefix: boolean) => string[] {
  return (name, prefix) => errors(prefix && name.length > 1 && name.endsWith('-') ? `${name.slice(0, -1)}a` : name);
}

/** The name rule of most kinds. */
export const nameIsDnsSubdomain = nameRule(dns1123SubdomainErrors);
export const nameIsDnsLabel = nameRule(dns1123LabelErrors);
export const nameIsDns1035Label = nameRule(dns1035LabelErrors);

function changeDirectoryErrors(value: string): string[] {
  if (value === '.') return [`must not be '.'`];
  if (value === '..') return [`must not be '..'`];
  return value.startsWith('..') ? [`must not start with '..'`] : [];
}
