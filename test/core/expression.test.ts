import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileExpression, compilePathExpression, ExpressionError, referencesUser } from "../../core/expression.ts";
import { limits } from "../../core/limits.ts";

const user = "acme";

function matches(source: string, path: string): boolean {
  return compileExpression(source, { user }).matches(path);
}

function assertRows(rows: readonly (readonly [string, string, boolean])[]): void {
  for (const [source, path, expected] of rows) assert.equal(matches(source, path), expected, `${source} on ${path}`);
}

function errorOf(source: string, values?: { user: string }): ExpressionError {
  try {
    compileExpression(source, values);
  } catch (error) {
    assert.ok(error instanceof ExpressionError, `${source}: ${error}`);
    return error;
  }
  assert.fail(`${source} was accepted`);
}

test("an expression means the same however many were read in between, and whoever asks", () => {
  const sources = Array.from({ length: limits.compiledExpressions + 10 }, (_, index) => `/folder${index}/*`);
  for (let round = 0; round < 2; round += 1) {
    for (const [index, source] of sources.entries()) assert.ok(matches(source, `/folder${index}/a`), source);
  }
  assert.equal(compileExpression("/folder1/*"), compileExpression("/folder1/*"), "it is read once");
  const personal = `/\${USER}/*`;
  for (const name of ["acme", "globex", "acme"]) {
    assert.ok(compileExpression(personal, { user: name }).matches(`/${name}/a`));
    assert.ok(!compileExpression(personal, { user: name }).matches("/initech/a"));
  }
  for (const _ of [1, 2]) assert.throws(() => compileExpression("[a"), ExpressionError);
});

test("an expression for paths has no glob that no path can match", () => {
  const message = (source: string) => {
    try {
      compilePathExpression(source, { user });
    } catch (error) {
      assert.ok(error instanceof ExpressionError);
      return error.message;
    }
    return undefined;
  };
  const beginning = "matches no path: paths begin with /";
  assert.equal(message("inbox/*"), `the glob "inbox/*" ${beginning} (at character 1)`);
  assert.equal(message("*.pdf | in/*"), `the glob "in/*" ${beginning} (at character 9)`);
  assert.equal(message("! .tmp"), `the glob ".tmp" ${beginning} (at character 3)`);
  assert.match(message(`\${USER}/*`) ?? "", /matches no path/);
  assert.match(message("g/in*/") ?? "", /matches no path/);
  for (const source of ["/inbox/*", "*.pdf", "?inbox", "[/]a", "! *.tmp", "g/*.pdf/", "m/inbox/", "e/^in/i"]) {
    assert.equal(message(source), undefined, source);
  }
  assert.match(message("[a") ?? "", /bracket/);
});

test("a glob is compared with the whole path, whatever the case", () => {
  assertRows([
    ["*.pdf", "/a.pdf", true],
    ["*.pdf", "/inbox/deep/A.PDF", true],
    ["*.PDF", "/a.pdf", true],
    ["*.pdf", "/a.pdf.exe", false],
    ["*.pdf", "/apdf", false],
    ["/inbox/*", "/inbox/a", true],
    ["/inbox/*", "/INBOX/a/b", true],
    ["/inbox/*", "/inbox", false],
    ["/inbox/*", "/inbox-qa/a", false],
    ["/inbox*", "/inbox", true],
    ["/inbox*", "/inbox-qa/a", true],
    ["/inbox", "/inbox", true],
    ["inbox", "/inbox", false],
    ["*", "/", true],
    ["/", "/", true],
    ["/", "/a", false],
    ["/É", "/é", true],
  ]);
});

test("a question mark and a class stand for one code point", () => {
  assertRows([
    ["/?", "/a", true],
    ["/?", "/😀", true],
    ["/?", "/", false],
    ["/??", "/😀", false],
    ["/a?b", "/a/b", true],
    ["/a?b", "/a\nb", true],
    ["/a*b", "/a\n\nb", true],
    ["/[😀-😂]", "/😁", true],
    ["/[😀-😂]", "/😃", false],
    ["/[!😀]", "/😁", true],
    ["/[!😀]", "/😀", false],
    ["/[a-c]", "/B", true],
    ["/[a-c]", "/d", false],
    ["/[!a-c]", "/B", false],
    ["/[!a-c]", "/d", true],
  ]);
});

test("brackets make special characters ordinary, and other characters need none", () => {
  assertRows([
    ["/[*]", "/*", true],
    ["/[*]", "/a", false],
    ["/[?]", "/?", true],
    ["/[[]x]", "/[x]", true],
    ["/[]]", "/]", true],
    ["/[]a]", "/a", true],
    ["/[!]]", "/]", false],
    ["/[!]]", "/a", true],
    ["/a[|]b", "/a|b", true],
    ["/[a!]", "/!", true],
    ["/[!!]", "/!", false],
    ["/[a-]", "/-", true],
    ["/[-a]", "/-", true],
    ["/[+--]", "/,", true],
    ["/[a-c-e]", "/-", true],
    ["/[a-c-e]", "/d", false],
    ["/[\\]", "/\\", true],
    ["/[^a]", "/^", true],
    ["/[^a]", "/b", false],
    ["/a.b", "/axb", false],
    ["/(a|b)", "/a", false],
    ["/a+", "/aa", false],
    ["/{a}^$\\d", "/{a}^$\\d", true],
    ["/a]", "/a]", true],
    ["/[[:alpha:]]", "/a]", true],
    ["/[$]{USER}", `/\${USER}`, true],
    ["/a b", "/a b", true],
  ]);
});

test("alternatives match when one does, and a leading exclamation mark asks that none does", () => {
  assertRows([
    ["*.pdf | *.txt", "/a.pdf", true],
    ["*.pdf | *.txt", "/a.txt", true],
    ["*.pdf | *.txt", "/a.doc", false],
    ["*.pdf|*.txt", "/a.txt", true],
    ["  *.pdf  |  *.txt\n", "/a.txt", true],
    ["! *.tmp", "/a.tmp", false],
    ["!*.tmp", "/a.pdf", true],
    ["! *.tmp | *.part", "/a.part", false],
    ["! *.tmp | *.part", "/a.pdf", true],
    ["/a | /b/*", "/b/c", true],
    ["/[a | b]", "/|", true],
  ]);
});

test("g says that a glob expression stands between the slashes", () => {
  assertRows([
    ["g/*.pdf/", "/a.PDF", true],
    ["g/*.pdf/", "/a.pdf/", false],
    ["g//inbox/*/", "/inbox/a", true],
    ["g/*.pdf | *.txt/", "/a.txt", true],
    ["g/! *.tmp/", "/a.tmp", false],
  ]);
});

test("a regular expression is searched for in the path, and its case counts unless i is given", () => {
  assertRows([
    ["m/\\d+-.*/", "/inbox/12-a", true],
    ["m/\\d+-.*/", "/inbox/a", false],
    ["m/box/", "/inbox/a", true],
    ["m/BOX/", "/inbox/a", false],
    ["m/BOX/i", "/inbox/a", true],
    ["m/^/inbox/[^/]+$/", "/inbox/a", true],
    ["m/^/inbox/[^/]+$/", "/inbox/a/b", false],
    ["m/a|b/", "/b", true],
    ["m/^box/", "/inbox", false],
    ["m/^.$/", "/", true],
    ["m/^/.$/", "/😀", true],
    ["m/\\p{Greek}/", "/λ", true],
    ["m/a.b/", "/a\nb", false],
    ["m/ a/", "/x a", true],
    ["m/ a/", "/xa", false],
    ["m///", "/", true],
  ]);
});

test("e is true when the regular expression is not found", () => {
  assertRows([
    ["e/.*\\.pdf/", "/a.pdf", false],
    ["e/.*\\.pdf/", "/a.txt", true],
    ["e/PDF$/", "/a.pdf", true],
    ["e/PDF$/i", "/a.pdf", false],
  ]);
});

test("the account's name is taken literally and in its own case", () => {
  assertRows([
    [`/queue/\${USER}/*`, "/queue/acme/a", true],
    [`/queue/\${USER}/*`, "/QUEUE/acme/a", true],
    [`/queue/\${USER}/*`, "/queue/ACME/a", false],
    [`/queue/\${USER}/*`, "/queue/other/a", false],
    [`! /queue/\${USER}/*`, "/queue/acme/a", false],
    [`m/^/queue/\${USER}//`, "/queue/acme/a", true],
    [`m/^/queue/\${USER}//i`, "/QUEUE/acme/a", true],
    [`m/^/queue/\${USER}//i`, "/queue/Acme/a", false],
    [`m/^/\${USER}+$/`, "/acmeacme", true],
    [`m/^/(\${USER}|x)$/`, "/x", true],
    [`m/\\\${USER}/`, `/\${USER}`, true],
    [`m/\\\${USER}/`, "/acme", false],
    [`m/^/\\\\\${USER}$/`, "/\\acme", true],
    [`m/[[:alpha:]]-\${USER}/`, "/a-acme", true],
    [`m/\\Q[\\E\${USER}/`, "/[acme", true],
    [`m/[]a]\${USER}/`, "/]acme", true],
  ]);
});

test("no account's name becomes syntax", () => {
  const names = ["*", "?", "[a-z]", "a|b", ".*", "(", "[", "\\", "\\E.*\\Q", `\${USER}`, "$&", "$1", "a-z]", "!", "😀"];
  for (const name of names) {
    for (const source of [`/x/\${USER}`, `m/^/x/\${USER}$/`, `m/^/x/\${USER}$/i`]) {
      const expression = compileExpression(source, { user: name });
      assert.equal(expression.matches(`/x/${name}`), true, `${source} for ${name}`);
      for (const other of [...names, "a", "b", "abc", ""]) {
        if (other !== name) assert.equal(expression.matches(`/x/${other}`), false, `${source} for ${name}: ${other}`);
      }
    }
  }
});

test("an expression that refers to the account is told from one that does not", () => {
  assert.equal(referencesUser(`/queue/\${USER}/*`), true);
  assert.equal(referencesUser("/queue/USER/*"), false);
});

test("an error says what is wrong and at which character", () => {
  const rows: readonly (readonly [string, number, RegExp])[] = [
    ["", 1, /empty/],
    ["   ", 1, /empty/],
    ["!", 2, /glob is missing/],
    ["*.pdf |", 8, /glob is missing/],
    ["| *.pdf", 1, /glob is missing/],
    ["*.pdf || *.txt", 8, /glob is missing/],
    ["/a[bc", 3, /bracket is not closed/],
    ["/a[", 3, /bracket is not closed/],
    ["/😀[]", 3, /bracket is not closed/],
    ["/[!]", 2, /bracket is not closed/],
    ["/a | /[b | c", 7, /bracket is not closed/],
    ["g/[a/", 3, /bracket is not closed/],
    ["/[z-a]", 3, /runs backwards/],
    [`/[ab\${USER}]`, 3, /inside brackets/],
    ["m/", 3, /closing \/ is missing/],
    ["m/abc", 6, /closing \/ is missing/],
    ["m//", 3, /nothing stands/],
    ["m/a/x", 5, /only the flag i/],
    ["m/a/ii", 5, /only the flag i/],
    ["m/inbox/*", 9, /only the flag i/],
    ["g/a/i", 5, /nothing may follow/],
    ["! m/a/", 3, /m\/…\/ must be the whole expression/],
    ["*.pdf | e/a/", 9, /e\/…\/ must be the whole expression/],
    ["m/a(b/", 3, /missing closing \)/],
    ["m/ab)/", 3, /unexpected \)/],
    ["m/😀a[b/", 5, /missing closing \]/],
    ["m/ab**/", 5, /repetition/],
    ["m/a{1001}/", 4, /repeat/],
    ["m/a\\/", 3, /trailing backslash/],
    ["m/a(?=b)/", 4, /lookahead/],
    ["m/a(?!b)/", 4, /lookahead/],
    ["m/(?<=a)b/", 3, /lookbehind/],
    ["m/(?<!a)b/", 3, /lookbehind/],
    ["m/(a)\\1/", 6, /backreferences/],
    ["m/(?P<n>a)\\k<n>/", 11, /backreferences/],
    [`m/[\${USER}]/`, 3, /inside brackets/],
    [`m/[[:alpha:]\${USER}]/`, 3, /inside brackets/],
    [`m/a[^]\${USER}]/`, 4, /inside brackets/],
    [`m/\\Q\${USER}\\E/`, 3, /quoted text/],
    ["/\ud800", 2, /Unicode/],
    ["m/(?:a{1000}){1}a{1000}a{1000}a{1000}a{1000}a{1000}a{1000}a{1000}a{1000}a{1000}a/", 3, /repeats too much/],
  ];
  for (const [source, character, text] of rows) {
    const error = errorOf(source, { user });
    assert.match(error.message, text, source);
    assert.match(error.message, new RegExp(` \\(at character ${error.character}\\)$`));
    assert.equal(error.character, character, `${source}: ${error.message}`);
  }
});

test("an expression may not refer to the account where there is none", () => {
  assert.equal(errorOf(`/a/\${USER}`).character, 4);
  assert.equal(errorOf(`m/a\${USER}/`).character, 4);
  assert.equal(compileExpression("/a/[$]{USER}").matches(`/a/\${user}`), true);
});

test("length and alternatives are limited", () => {
  const longest = "a".repeat(limits.expressionLength);
  assert.equal(matches(longest, longest), true);
  assert.match(errorOf(`${longest}a`).message, /over 1000 characters/);
  const most = Array.from({ length: limits.expressionAlternatives }, (_, index) => `/${index}`).join("|");
  assert.equal(matches(most, "/49"), true);
  assert.match(errorOf(`${most}|/x`).message, /more than 50 alternatives/);
});

test("patterns that make other engines hang finish on a hundred thousand characters", () => {
  const text = "a".repeat(100_000);
  const sources = ["m/(a+)+$/", "m/(a|aa)*b$/", "m/(.*)*x/", "m/^(a?){30}a{30}b/", "*a*a*a*a*a*a*a*b", "e/(a*)*c/"];
  for (const source of sources) {
    const expression = compileExpression(source);
    assert.equal(expression.matches(`${text}!`), source.startsWith("e"), source);
  }
});

test("whatever the text, it compiles or is refused with an ExpressionError", () => {
  const fragment = fc.constantFrom(
    "*",
    "?",
    "[",
    "]",
    "!",
    "-",
    "|",
    "/",
    "m/",
    "e/",
    "g/",
    "\\",
    "(",
    ")",
    `\${USER}`,
    "\\Q",
    "\\E",
    "[:",
    ":]",
    "{",
    "}",
    "a",
    " ",
    "(?",
    "<",
    "P",
    "=",
    "😀",
    "\ud800",
    "^",
  );
  const text = fc.oneof(
    fc.array(fragment, { maxLength: 14 }).map((parts) => parts.join("")),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(text, fc.string(), (source, name) => {
      try {
        assert.equal(typeof compileExpression(source, { user: name }).matches("/a/b"), "boolean");
      } catch (error) {
        assert.ok(error instanceof ExpressionError, `${error}`);
        assert.ok(error.character >= 1 && error.character <= Array.from(source).length + 1, error.message);
      }
    }),
    { numRuns: 3000 },
  );
});
