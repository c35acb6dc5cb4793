#include "billing/transfer.h"

namespace cocoon::billing {

std::string_view to_string(TransferReason reason) {
  switch (reason) {
    case TransferReason::deposit: return "deposit";
    case TransferReason::settlement: return "settlement";
    case TransferReason::refund: return "refund";
    case TransferReason::stake: return "stake";
    case TransferReason::payout: return "payout";
    case TransferReason::fee: return "fee";
    case TransferReason::withdrawal: return "withdrawal";
    case TransferReason::gas: return "gas";
  }
  return "unknown";
}

}  // namespace cocoon::billing
