"""text.py - C literals and the one fault type of the generators."""


class Fault(Exception):
    """Something written wrongly; the text names the file and the thing."""


def c_string(text):
    """A C string literal, or NULL."""
    if text is None:
        return "NULL"
    out = []
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\n")
        elif char == "\t":
            out.append("\\t")
        elif char == "?":
            out.append("\\?")  # no trigraphs by accident
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def c_text(text, indent="\t"):
    """A long text as one literal a line."""
    lines = text.splitlines(keepends=True) or [""]
    return "\n".join(indent + c_string(line) for line in lines)
