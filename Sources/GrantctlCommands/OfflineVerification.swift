import ByteText
import Ledger

/// Verifies the ledger in a state directory without a daemon; returns the object of
/// `verify -o json`.
func verifyOffline(stateDirectory: String) -> [UInt8] {
  let result = Ledger.verify(stateDirectory: stateDirectory)
  var writer = JSONWriter()
  writer.beginObject()
  writer.member("ok", result.ok)
  writer.member("records", result.records)
  writer.member("head", result.head)
  writer.member("problems", result.problems)
  writer.endObject()
  return writer.bytes
}
