#include "pellucid/sampling/partial_order.hpp"

#include "pellucid/check.hpp"

namespace pellucid {

PartialOrder::PartialOrder(MasksIn precedes) : players_(precedes.cols()), words_((precedes.cols() + 63) / 64) {
    require(players_ >= 1 && precedes.rows() == players_,
            "precedes must be a square table of at least one player, got ", precedes.rows(), " by ", precedes.cols());
    require((precedes.array() <= 1).all(), "precedes must hold 0 and 1");
    before_.assign(static_cast<std::size_t>(checked_product(players_, words_, "the order")), 0);
    for (Index i = 0; i < players_; ++i)
        for (Index j = 0; j < players_; ++j)
            if (precedes(i, j) != 0)
                before_[static_cast<std::size_t>(j * words_ + i / 64)] |= std::uint64_t{1} << (i % 64);
    for (Index j = 0; j < players_; ++j) {
        require(precedes(j, j) == 0, "precedes must not put a player before itself, got player ", j);
        for (Index i = 0; i < players_; ++i)
            require(precedes(i, j) == 0 || may_follow(before(j), i), "precedes must be closed: some player is before ",
                    i, " and not before ", j, ", although ", i, " is before ", j);
    }
}

}  // namespace pellucid
