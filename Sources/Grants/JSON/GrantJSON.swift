package import ByteText

extension Grant {
  /// Writes the grant as `list` and `show` give it: durations and deadlines as of `now`, `itemList`
  /// only `withItems`.
  package func write(to writer: inout JSONWriter, at now: Moment, withItems: Bool) {
    writer.beginObject()
    writer.member("id", id)
    writer.member("incident", incident)
    writer.member("host", host)
    writer.member("standing", standing)
    writer.member("kind", kind.rawValue)
    writer.member("subject", subject)
    writer.member("object", object)
    writer.member("items", items.count)
    writer.member("right", right)
    writer.member("before", before)
    writer.member("after", after)
    writer.member("state", state.rawValue)
    writer.member("provenance", provenance.rawValue)
    writer.member("confidence", confidence.rawValue)
    writer.key("agent")
    if let agent { agent.write(to: &writer) } else { writer.null() }
    writer.member("hints", hints)
    writer.member("via", via)
    writer.key("actor")
    actor.write(to: &writer)
    writer.member("advice", advice)
    writer.key("intent")
    if let intent { intent.write(to: &writer) } else { writer.null() }
    writer.key("prompt")
    if let prompt { prompt.write(to: &writer) } else { writer.null() }
    writer.key("approval")
    if let approval { approval.write(to: &writer, at: now) } else { writer.null() }
    writer.member("grantedAt", time: grantedAt)
    writer.member("detectedAt", time: detectedAt)
    writer.member("expiresAt", time: expiresAt(now))
    writer.member("endedAt", time: endedAt)
    writer.member("endedBy", endedBy?.rawValue)
    writer.member("activeSeconds", seconds: activeSeconds(at: now))
    writer.member("activeSecondsMin", seconds: activeSecondsMin(at: now))
    writer.member("activeSecondsMax", seconds: activeSecondsMax(at: now))
    writer.member("residue", residue)
    writer.member("outcome", outcome?.rawValue)
    writer.member("revokeError", revokeError)
    writer.member("madeMeanwhile", madeMeanwhile)
    writer.member("nativeExpiry", time: nativeExpiry)
    writer.key("used")
    if let usage { usage.write(to: &writer) } else { writer.null() }
    writer.member("rule", rule)
    writer.member("severity", severity.rawValue)
    writer.key("evidence")
    writer.beginArray()
    for piece in evidence { piece.write(to: &writer) }
    writer.endArray()
    if withItems {
      writer.key("itemList")
      writer.beginArray()
      for item in items { item.write(to: &writer) }
      writer.endArray()
    }
    writer.endObject()
  }

  /// When it expires, on the wall's clock of `now`: the end of its approval while that holds, else
  /// its deadline; as once foreseen when it has ended; nil when nothing ends it.
  package func expiresAt(_ now: Moment) -> Timestamp? {
    switch state {
    case .ended: deadline?.wall
    case .approved: (approval?.until ?? deadline)?.wall(at: now)
    default: deadline?.wall(at: now)
    }
  }
}

extension GrantItem {
  /// Writes the item as an element of `itemList`.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("object", object)
    writer.member("before", before)
    writer.member("after", after)
    writer.member("state", state.rawValue)
    writer.endObject()
  }
}

extension Actor {
  /// Writes the `actor` of a grant or a signal.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("user", user)
    writer.member("loginUser", loginUser)
    writer.member("pid", pid.map(Int64.init))
    writer.member("command", command)
    writer.member("uid", uid.map(Int64.init))
    writer.member("loginUid", loginUID.map(Int64.init))
    writer.member("session", session.map(Int64.init))
    writer.endObject()
  }
}

extension AgentReference {
  /// Writes the `agent` of a grant.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("name", name)
    writer.member("session", session)
    writer.member("model", model)
    writer.member("chain", chain)
    writer.key("delegation")
    writer.beginArray()
    for link in delegation {
      link.write(to: &writer)
    }
    writer.endArray()
    writer.endObject()
  }
}

extension Intent {
  /// Writes the `intent` of a grant.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("fit", fit.rawValue)
    writer.member("source", source.rawValue)
    writer.member("advice", advice)
    writer.member("said", said)
    writer.endObject()
  }
}

extension PromptEvidence {
  /// Writes the `prompt` of a grant.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("grade", grade.rawValue)
    writer.member("mode", mode)
    writer.key("attended")
    if let attended { writer.value(attended) } else { writer.null() }
    writer.member("thinkMilliseconds", thinkMilliseconds)
    writer.member("toldBy", isIndependent ? "root" : "agent")
    writer.endObject()
  }
}

extension Usage {
  /// Writes the `used` of a grant.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("count", count)
    writer.member("first", time: first)
    writer.member("last", time: last)
    writer.endObject()
  }
}

extension Evidence {
  /// Writes an element of `evidence`.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("time", time: time)
    writer.member("source", source)
    writer.member("text", text)
    writer.endObject()
  }
}

extension Approval {
  /// Writes the `approval` of a grant or advice.
  package func write(to writer: inout JSONWriter, at now: Moment) {
    writer.beginObject()
    writer.member("by", by)
    writer.member("time", time: time)
    writer.member("until", time: until.wall(at: now))
    writer.member("reason", reason)
    writer.member("proof", proof)
    writer.endObject()
  }
}

extension Deadline {
  /// Where the deadline lies on the wall's clock of `now`: within its own boot as far ahead as time
  /// is left, so that a clock that was set shows.
  package func wall(at now: Moment) -> Timestamp {
    boot == now.boot ? now.wall + left(at: now) : wall
  }
}

extension ChainLink {
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("role", role.rawValue)
    writer.member("name", name)
    writer.member("id", id)
    writer.endObject()
  }
}
