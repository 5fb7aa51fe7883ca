"""As much of JSON schema as pydantic writes: enough to test that the examples fit what ``varme schema`` prints."""

import re

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def problems(schema, value, root=None, path=""):
    """Return what is wrong with a value, as texts."""
    root = root or schema
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    found = []
    for word in ("anyOf", "oneOf"):
        if word in schema:
            branches = [problems(s, value, root, path) for s in schema[word]]
            if all(branches):
                found += sorted(branches, key=lambda b: len(b))[0]
    for part in schema.get("allOf", []):
        found += problems(part, value, root, path)
    found += _type(schema, value, path) + _limits(schema, value, path)
    if isinstance(value, dict) and not found:
        found += _object(schema, value, root, path)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            found += problems(schema["items"], item, root, f"{path}[{number}]")
    return found


def _type(schema, value, path):
    kind = schema.get("type")
    if kind in {"number", "integer"}:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        good = good and (kind == "number" or float(value).is_integer())
    else:
        good = kind is None or isinstance(value, TYPES[kind])
    return [] if good else [f"{path}: {value!r} is no {kind}"]


def _limits(schema, value, path):
    found = []
    if "const" in schema and value != schema["const"]:
        found.append(f"{path}: {value!r} is not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path}: {value!r} is none of {schema['enum']}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            found.append(f"{path}: {value} is outside")
        if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
            found.append(f"{path}: {value} is too small")
    return found


def _object(schema, value, root, path):
    found = [f"{path}.{name} is missing" for name in schema.get("required", []) if name not in value]
    for name, item in value.items():
        patterns = [s for p, s in schema.get("patternProperties", {}).items() if re.search(p, name)]
        more = schema.get("additionalProperties", True)
        if name in schema.get("properties", {}):
            found += problems(schema["properties"][name], item, root, f"{path}.{name}")
        elif patterns:
            found += problems(patterns[0], item, root, f"{path}.{name}")
        elif more is False:
            found.append(f"{path}.{name} is unknown")
        elif isinstance(more, dict):
            found += problems(more, item, root, f"{path}.{name}")
    return found
