-- Wireshark dissector of the base protocol and its extension (docs/PROTOCOL.md).
--
--     message = type [ u32 length, big-endian; `length` bytes of payload ]
--     type    = 4 bytes, ASCII, padded on the right with NUL
--     payload = fields in UTF-8, separated by |

local loteria = Proto("loteria", "Lotería Nacional")

local TYPE_BYTES = 4
local HEADER_BYTES = 8
local DIGITS_MAX = 15
local MEGABYTE = 1024 * 1024
local BET_FIELDS = 5

loteria.prefs.ports = Pref.range("TCP ports", "12345", "Ports of the central", 65535)
loteria.prefs.payload_max =
  Pref.uint("Longest payload of an agency", 8192 - HEADER_BYTES, "PAYLOAD_BYTES_MAX of the central")

local f = {
  type = ProtoField.string("loteria.type", "Type"),
  length = ProtoField.uint32("loteria.length", "Length of the payload"),
  agency = ProtoField.string("loteria.agency", "Agency"),
  upload = ProtoField.string("loteria.upload", "Upload"),
  counts = ProtoField.string("loteria.counts", "Numbers count"),
  number = ProtoField.string("loteria.number", "Number of the batch's first bet"),
  count = ProtoField.string("loteria.count", "Number of bets"),
  bet = ProtoField.string("loteria.bet", "Bet"),
  nombre = ProtoField.string("loteria.bet.nombre", "Nombre"),
  apellido = ProtoField.string("loteria.bet.apellido", "Apellido"),
  documento = ProtoField.string("loteria.bet.documento", "Documento"),
  nacimiento = ProtoField.string("loteria.bet.nacimiento", "Nacimiento"),
  numero = ProtoField.string("loteria.bet.numero", "Número"),
  next = ProtoField.string("loteria.next", "Number of the next bet"),
  window = ProtoField.string("loteria.window", "Unanswered messages at most"),
  payload_max = ProtoField.string("loteria.payload_max", "Longest payload"),
  refused = ProtoField.string("loteria.refused", "Refused bets"),
  batches = ProtoField.string("loteria.batches", "Number of batches"),
  winners = ProtoField.string("loteria.winners", "Number of winners"),
  winner = ProtoField.string("loteria.winner", "Documento of a winner"),
  refusal = ProtoField.string("loteria.refusal", "Refusal"),
  final = ProtoField.string("loteria.final", "Final"),
  detail = ProtoField.string("loteria.detail", "Detail"),
  index = ProtoField.string("loteria.index", "Index of the bet in the batch"),
  field = ProtoField.string("loteria.field", "Field of the bet"),
  reason = ProtoField.string("loteria.reason", "Reason"),
  seen = ProtoField.string("loteria.seen", "Last acta seen"),
  acta = ProtoField.string("loteria.acta", "Acta"),
  uploads = ProtoField.string("loteria.uploads", "Uploads of the agency"),
  text = ProtoField.string("loteria.text", "Text"),
  sha256 = ProtoField.string("loteria.sha256", "SHA-256"),
  unread = ProtoField.bytes("loteria.unread", "Not read"),
}
loteria.fields = f

local function expert_error(name, text)
  return ProtoExpert.new("loteria." .. name, text, expert.group.MALFORMED, expert.severity.ERROR)
end

local e = {
  type = expert_error("unknown_type", "Unknown type"),
  length = expert_error("too_long", "Length over the limit"),
  count = expert_error("wrong_count", "Another count than announced"),
  code = expert_error("unknown_refusal", "Unknown refusal"),
  refused = ProtoExpert.new(
    "loteria.refused_by_central", "Refused", expert.group.RESPONSE_CODE, expert.severity.WARN
  ),
}
loteria.experts = e

local REFUSALS = {
  ["not-identified"] = true,
  ["unknown-message"] = true,
  ["malformed"] = true,
  ["payload-too-large"] = true,
  ["invalid-bet"] = true,
  ["sequence-gap"] = true,
  ["count-mismatch"] = true,
  ["upload-open"] = true,
  ["upload-voided"] = true,
  ["agency-finished"] = true,
  ["draw-closed"] = true,
  ["unauthorized"] = true,
  ["busy"] = true,
  ["closing"] = true,
  ["storage"] = true,
}

local BET = { f.nombre, f.apellido, f.documento, f.nacimiento, f.numero }

-- Part of a message; an empty one may be asked for at its end, where Wireshark has none.
local function part(message, start, length)
  return message:range(math.min(start, message:len() - 1), length)
end

-- The fields of a payload, as parts of the message.
local function split(message)
  local bytes, parts, start = message:raw(), {}, HEADER_BYTES + 1
  repeat
    local separator = bytes:find("|", start, true)
    parts[#parts + 1] = part(message, start - 1, (separator or #bytes + 1) - start)
    start = (separator or 0) + 1
  until not separator
  return parts
end

-- The fields from one to another, separators included.
local function span(fields, first, last)
  local from, to = fields.parts[first], fields.parts[last]
  local start = from:offset() - fields.message:offset()
  return part(fields.message, start, to:offset() + to:len() - from:offset())
end

-- Adds the next fields as far as there are any; returns the text of the last one.
local function add(fields, names, tree)
  local text = ""
  for _, field in ipairs(names) do
    local range = fields.parts[fields.at]
    if not range then break end
    text = range:string(ENC_UTF_8)
    ;(tree or fields.tree):add(field, range, text)
    fields.at = fields.at + 1
  end
  return text
end

-- Adds all that is left as one field.
local function add_rest(fields, field)
  if fields.at > #fields.parts then return end
  local range = span(fields, fields.at, #fields.parts)
  fields.tree:add(field, range, range:string(ENC_UTF_8))
end

-- How many fields are left; a list of none is an empty field.
local function left(fields)
  local count = #fields.parts - fields.at + 1
  return count == 1 and fields.parts[fields.at]:len() == 0 and 0 or count
end

local function check_count(fields, announced, what, fields_each)
  local found = left(fields)
  if tonumber(announced) and tonumber(announced) * fields_each == found then return end
  local text = ("%s %s announced; %d fields found"):format(announced, what, found)
  fields.tree:add_proto_expert_info(e.count, text)
end

local function add_bet(fields)
  local last = math.min(fields.at + #BET - 1, #fields.parts)
  local range = span(fields, fields.at, last)
  add(fields, BET, fields.tree:add(f.bet, range, range:string(ENC_UTF_8)))
end

local function add_batch(fields, before)
  local announced = add(fields, before)
  check_count(fields, announced, "bets", #BET)
  while left(fields) > 0 do
    add_bet(fields)
  end
end

local function add_winners(fields)
  local announced = add(fields, { f.winners })
  check_count(fields, announced, "winners", 1)
  while left(fields) > 0 do
    add(fields, { f.winner })
  end
end

local function refuse(fields, why)
  fields.tree:add_proto_expert_info(e.refused, "Refused: " .. why)
end

local function add_refusal(fields)
  local code = add(fields, { f.refusal })
  add(fields, { f.final })
  refuse(fields, code)
  if not REFUSALS[code] then fields.tree:add_proto_expert_info(e.code) end
  if code == "invalid-bet" and left(fields) == 4 then
    add(fields, { f.number, f.index, f.field, f.reason })
  else
    add_rest(fields, f.detail)
  end
end

-- The agency says which acta it has seen, the central sends one.
local function add_acta(fields)
  if #fields.parts == 1 then
    add(fields, { f.seen })
  else
    add(fields, { f.acta, f.uploads })
    add_rest(fields, f.text)
  end
end

local function only(...)
  local names = { ... }
  return function(fields) add(fields, names) end
end

-- `max` is the longest payload in bytes, of types that have one; `shown` is how many fields the
-- summary has.
local TYPES = {
  CONN = { max = 16, shown = 1, read = only(f.agency) },
  BET = { is_batch = true, shown = 0, read = add_bet },
  NBET = { is_batch = true, shown = 1, read = function(fields) add_batch(fields, { f.count }) end },
  SBET = {
    is_batch = true,
    shown = 2,
    read = function(fields) add_batch(fields, { f.number, f.count }) end,
  },
  END = {},
  GWIN = {},
  OK = {},
  NOK = { read = function(fields) refuse(fields, "the log of the central says why") end },
  NEND = {},
  RWIN = { max = 64 * MEGABYTE, shown = 1, read = add_winners },
  HELO = { max = 86, shown = 3, read = only(f.agency, f.upload, f.counts) },
  WELC = { max = 63, shown = 4, read = only(f.next, f.window, f.payload_max, f.refused) },
  DONE = { max = 31, shown = 2, read = only(f.batches, f.count) },
  ACTA = { max = MEGABYTE + 32, shown = 2, read = add_acta },
  DIFF = { max = 96, shown = 2, read = only(f.acta, f.count, f.sha256) },
  PING = {},
  WAIT = {},
  FAIL = { max = 2048, shown = 2, read = add_refusal },
}

-- "SBET 1|130|…", as the protocol page writes it.
local function summary(name, shown, parts)
  local texts = {}
  for at = 1, math.min(shown, #parts) do
    texts[at] = parts[at]:string(ENC_UTF_8)
  end
  if shown < #parts then texts[#texts + 1] = "…" end
  return (name .. " " .. table.concat(texts, "|")):gsub(" $", "")
end

-- Where a message cannot be read the rest of the stream cannot either.
local function add_unread(rest, tree, what, text)
  local item = tree:add(loteria, rest, "Lotería Nacional, " .. text)
  item:add(f.unread, rest)
  item:add_proto_expert_info(what, text)
  return rest:len(), text
end

local function add_message(message, tree, name)
  local kind = TYPES[name]
  local has_payload = message:len() > TYPE_BYTES
  local parts = has_payload and split(message) or {}
  local text = summary(name, kind.shown or 0, parts)
  local item = tree:add(loteria, message, "Lotería Nacional, " .. text)
  item:add(f.type, message:range(0, TYPE_BYTES), name)
  if has_payload then item:add(f.length, message:range(TYPE_BYTES, HEADER_BYTES - TYPE_BYTES)) end
  if kind.read then kind.read({ message = message, parts = parts, at = 1, tree = item }) end
  return message:len(), text
end

-- Dissects the message at the start of `rest`. Returns its length in bytes and its summary; or nil
-- and how many bytes are missing.
local function dissect(rest, tree)
  local available = rest:len()
  if available < TYPE_BYTES then return nil, DESEGMENT_ONE_MORE_SEGMENT end
  local name = rest:raw(0, TYPE_BYTES):gsub("\0+$", "")
  local kind = TYPES[name]
  if not kind then return add_unread(rest, tree, e.type, "unknown type") end
  local max = kind.is_batch and loteria.prefs.payload_max or kind.max
  if not max then return add_message(rest:range(0, TYPE_BYTES), tree, name) end
  if available < HEADER_BYTES then return nil, DESEGMENT_ONE_MORE_SEGMENT end
  local length = rest:range(TYPE_BYTES, HEADER_BYTES - TYPE_BYTES):uint()
  if length > max then
    local text = ("%s of %d bytes; at most %d are taken"):format(name, length, max)
    return add_unread(rest, tree, e.length, text)
  end
  local size = HEADER_BYTES + length
  if available < size then return nil, size - available end
  return add_message(rest:range(0, size), tree, name)
end

function loteria.dissector(tvb, pinfo, tree)
  local at, texts = 0, {}
  while at < tvb:len() do
    local size, text = dissect(tvb:range(at), tree)
    if not size then
      pinfo.desegment_offset = at
      pinfo.desegment_len = text
      break
    end
    at = at + size
    texts[#texts + 1] = text
  end
  pinfo.cols.protocol = "LOTERIA"
  if #texts > 0 then pinfo.cols.info = table.concat(texts, ", ") end
end

local by_port = DissectorTable.get("tcp.port")
local ports = loteria.prefs.ports
by_port:add(ports, loteria)

function loteria.prefs_changed()
  by_port:remove(ports, loteria)
  ports = loteria.prefs.ports
  by_port:add(ports, loteria)
end
