"""What to try after a compiler's message: the errors that beginners meet most."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["hints_for"]

_Hint = Callable[[re.Match[str]], str]


# Modules whose package is not simply their name in lower case.
_PACKAGES = {
    "Mirage_crypto_rng": "mirage-crypto-rng",
    "Mirage_sleep": "mirage-sleep",
    "Mirage_mtime": "mirage-mtime",
    "Mirage_ptime": "mirage-ptime",
    "Mirage_runtime": "mirage-runtime",
    "Ipaddr_cstruct": "ipaddr-cstruct",
    "Lwt_io": None,
    "Lwt_main": None,
    "Lwt_unix": None,
    "Unix": None,
}


def _unbound_module(match: re.Match[str]) -> str:
    module = match[1].partition(".")[0]
    if module in _PACKAGES and _PACKAGES[module] is None:
        return f"{module} needs an operating system below it. A unikernel has none: use the Mirage_* modules."
    package = _PACKAGES.get(module) or module.lower().replace("_", "-")
    return (
        f'If {module} comes from a package, name it in config.ml: main ~packages:[ package "{package}" ] … . '
        f"If it is a file of yours, {module[:1].lower()}{module[1:]}.ml must be in the image's folder."
    )


def _type_clash(match: re.Match[str]) -> str:
    found, wanted = (" ".join(part.split()) for part in match.groups())
    if "CamlinternalFormatBasics.fmt" in found + wanted:
        return (
            "The format and the arguments behind it do not match. Put brackets around a call: (who ()). "
            'In a text, write %% for a % and \\" for a quote.'
        )
    plain = (found.rpartition(".")[2], wanted.rpartition(".")[2])
    if plain in _CONVERSIONS:
        return _CONVERSIONS[plain]
    if wanted.endswith("Lwt.t") and not found.endswith("Lwt.t"):
        return "A promise is wanted here: wrap the value as Lwt.return …, or see that the last step is one."
    if found.endswith("Lwt.t"):
        return (
            "This is a promise. Take its value first: … >>= fun x -> …, or let* x = … in … (open Lwt.Syntax)."
        )
    if "->" in found and "->" not in wanted:
        return (
            "This is still a function: an argument is missing. Give the remaining ones; () if it takes unit."
        )
    if "->" in wanted and "->" not in found:
        return "A function is wanted here: write fun … -> … around it, or leave out an argument that it was given."
    if wanted == "unit":
        return "A result is left over where none is wanted: use it, or write ignore (…) around it."
    return (
        f"You have a {found} where a {wanted} is wanted: convert it, or look whether it is the right thing."
    )


_CONVERSIONS = {
    ("int", "string"): 'Make a text of the number: string_of_int …, or Printf.sprintf "%d" … .',
    (
        "string",
        "int",
    ): "Make a number of the text: int_of_string … . In a format, write %s for a text, not %d. ^ joins two texts.",
    ("float", "string"): 'Make a text of the number: string_of_float …, or Printf.sprintf "%f" … .',
    ("int", "float"): "Whole numbers and floats do not mix: write 1. for 1, +. for +, or Float.of_int … .",
    ("float", "int"): "Floats and whole numbers do not mix: write + for +. , or Int.of_float … .",
    ("int", "int64"): "Write an int64: 5L for 5, or Int64.of_int … . For times, Duration.of_sec 5 is one.",
    ("int64", "int"): "Convert it: Int64.to_int … .",
    ("string", "bytes"): "Convert it: Bytes.of_string … .",
    ("bytes", "string"): "Convert it: Bytes.to_string … .",
    ("string", "Cstruct.t"): "Convert it: Cstruct.of_string … .",
    ("char", "string"): "'x' is a character, \"x\" a text: String.make 1 … makes a text of a character.",
    ("string", "char"): "A text is written \"x\", one character 'x'.",
}

# In each line: what the message must hold, and the hint. The first that fits is given.
_RULES: list[tuple[str, str | _Hint]] = [
    (
        r"Unbound value Arg\.(\w+)",
        "This is the Arg of OCaml itself, which has no {0}: write open Cmdliner at the top.",
    ),
    (
        r"Unbound value (?:\w+\.)+(\w+)",
        "The module has no {0}: look up its name in the module's documentation, and mind the spelling.",
    ),
    (
        r"Unbound value (let|and)([*+])",
        "The operator {0}{1} is not known here: write open Lwt.Syntax at the top of the file.",
    ),
    (
        r"Unbound value (>>=|>\|=|<\?>|<&>)",
        "The operator {0} is not known here: write open Lwt.Infix at the top.",
    ),
    (
        r"Unbound value (\S+)",
        "Look for a slip in {0}. A name is known only below its definition; to call itself it needs let rec.",
    ),
    (r"Unbound module (\S+)", _unbound_module),
    (
        r"Unbound constructor (\S+)",
        "A capital begins constructors and modules. Write a value small, another module's constructor Module.{0}.",
    ),
    (
        r"Unbound type constructor (\S+)",
        "Define type {0} above, or write the module it comes from: Module.{0}.",
    ),
    (
        r"The constructor (\S+) expects (\d+) argument",
        "Write what it carries behind it: {0} x, or {0} _ where that does not matter.",
    ),
    (r"this statement never returns", "What stands behind it is never reached: leave that out."),
    (
        r"Unbound record field (\S+)",
        "Write the module of the record's type once: {{ Module.{0} = … }}, r.Module.{0}.",
    ),
    (
        r"This function has type.*It is applied to too many arguments",
        "Look for a missing ; or in before the next expression, or for arguments too many.",
    ),
    (
        r"This function is applied to arguments.*wrong order|cannot be applied with label ~?(\S+)",
        "Compare the labels (~name:) with the function's type above.",
    ),
    (
        r"not a function; it cannot be applied",
        "Look for a missing ; or in before it, or for an operator left out.",
    ),
    (
        r"This (?:expression|pattern) has type\s+(.+?)\s+but an? \w+ was expected of type\s+(.+?)(?:\n|$)",
        _type_clash,
    ),
    (
        r"Syntax error: '(\S+)' expected",
        "Close what was opened: {0} is missing, at the latest here.",
    ),
    (r"This '(\S+)' might be unmatched", "Close it, or remove it."),
    (
        r"Syntax error",
        "Look at the end of what comes just before: a missing in, ;, ), end or done, or a ; or ) too many.",
    ),
    (
        r"[Uu]nterminated string|String literal not terminated",
        'A text has a " at both ends: look for the one that is missing, here or above.',
    ),
    (r"Comment not terminated", 'Close the comment with *) ; a lone " inside of a comment opens a text.'),
    (
        r"Illegal character (\S+)",
        "Remove {0}. Names have plain letters only; copied text often has curly quotes.",
    ),
    (
        r"Signature mismatch|does not match the expected parameter|is not included in",
        "Compare what unikernel.ml offers with what config.ml says: job there is start : unit -> unit Lwt.t here.",
    ),
    (
        r"Some type variables .*cannot be generalized|weak type",
        "Give it a type, or an argument: let f () = … .",
    ),
    (
        r"this pattern-matching is not exhaustive",
        "Add a case for what is listed, or a last one: | _ -> … .",
    ),
    (
        r"this (?:match case|sub-pattern) is unused|redundant",
        "Remove that case: those before it take all.",
    ),
    (
        r"this expression should have type unit|non-unit statement",
        "Use the value, or write ignore (…); between promises write let* () = … in … instead of ; .",
    ),
    (
        r"unused (?:variable|value|rec flag|for-loop index) (\w+)",
        "Remove {0}, or call it _{0} if that is meant.",
    ),
    (r"unused open (\S+)", "Remove the line, or use something of {0}."),
    (r"[Uu]nused", "Remove it, or begin its name with _ if that is meant."),
    (
        r'Library "([^"]+)" not found',
        'Look at the spelling of package "{0}" in config.ml and of (libraries …).',
    ),
    (r"ISO-Latin1 characters", "Names have plain letters only; copied text often has curly quotes."),
    (r"deprecated", "It works, but there is a newer way: see the message."),
    (r"labels? (?:was|were) omitted", "Write the labels: f ~name:value."),
    (
        r"The value (\S+) is not mutable|is not mutable",
        "Values do not change: make it a ref, or a mutable field.",
    ),
    (
        r"Cannot find file|No such file",
        "Look at the name, and whether the file is in the image's folder.",
    ),
]


def hints_for(message: str, tag: str, file: str, *, generated: bool) -> tuple[str, ...]:
    """What to try for a compiler's message.

    Args:
        message: its words.
        tag: what stands with its kind, such as ``26 [unused-var]``.
        file: name of the file it is about.
        generated: whether the build made that file; then the cause is in ``config.ml`` or in the module's face.
    """
    if generated and file == "main.ml":
        return (_entry_hint(message),)
    if file == "config.ml" and message.startswith(("Unbound value", "Unbound constructor")):
        name = message.split()[2]
        return (f"Look for a slip in {name}. If upstream's Mirage has it, try --toolchain opam.",)
    for pattern, hint in _RULES:
        match = re.search(pattern, f"{message}\n{tag}", re.DOTALL)
        if match:
            return (hint.format(*match.groups()) if isinstance(hint, str) else hint(match),)
    return ()


def _entry_hint(message: str) -> str:
    missing = re.search(r"Unbound (?:module|value) (\w+)(?:\.(\w+))?", message)
    if missing and missing[2]:
        module, name = missing[1], missing[2]
        return (
            f"config.ml starts {module}.{name}, but {module.lower()}.ml does not define it: "
            f"write let {name} () = … there, outside of any module."
        )
    if missing:
        module = missing[1]
        return f'config.ml names "{module}": there must be a {module[:1].lower()}{module[1:]}.ml beside it.'
    if "expected of type" in message and "unit Lwt.t" in message:
        return "A job gives a promise of nothing, unit Lwt.t: end start with Lwt.return_unit, or with what waits."
    return (
        "The generated main.ml joins both. Compare what config.ml gives (job, devices @->) with what the "
        "unikernel takes (its functor's parameters, the arguments and the result of start)."
    )
