// What belongs to a coalition and to no row explained, kept between calls up to a size.
//
// Rows explained one after another play the same coalitions, so what came first stays: throwing out the oldest would
// empty the cache just before each entry is asked for again. Values are made by the mask alone, so a hit and a miss
// give the same bits.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "pellucid/parallel.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

template <typename Value>
class MaskCache {
  public:
    explicit MaskCache(Index bytes) : free_(bytes) {}

    // A value for each mask: null where there is no room left for one. bytes(mask) says how much a value takes, and
    // make(mask) makes it; both get a pointer to the mask. Values live as long as the cache.
    template <typename Bytes, typename Make>
    std::vector<const Value*> get(MasksIn masks, const Bytes& bytes, const Make& make) {
        const Index count = masks.rows();
        std::vector<const Value*> found(static_cast<std::size_t>(count), nullptr);
        const std::lock_guard lock(mutex_);
        std::unordered_map<std::string, std::size_t> planned;
        std::vector<Index> first_with;
        Index room = free_;
        for (Index i = 0; i < count; ++i) {
            const std::string key = key_of(masks, i);
            if (values_.contains(key) || planned.contains(key)) continue;
            const Index needed = bytes(masks.row(i).data());
            if (needed > room) continue;
            room -= needed;
            planned.emplace(key, first_with.size());
            first_with.push_back(i);
        }
        std::vector<std::unique_ptr<Value>> made(first_with.size());
        parallel_for(static_cast<Index>(first_with.size()), 16, [&](Index first, Index last) {
            for (Index j = first; j < last; ++j) {
                const auto at = static_cast<std::size_t>(j);
                made[at] = std::make_unique<Value>(make(masks.row(first_with[at]).data()));
            }
        });
        for (auto& [key, at] : planned) values_.emplace(key, std::move(made[at]));
        free_ = room;
        for (Index i = 0; i < count; ++i)
            if (const auto entry = values_.find(key_of(masks, i)); entry != values_.end())
                found[static_cast<std::size_t>(i)] = entry->second.get();
        return found;
    }

  private:
    static std::string key_of(MasksIn masks, Index i) {
        return {reinterpret_cast<const char*>(masks.row(i).data()), static_cast<std::size_t>(masks.cols())};
    }

    std::mutex mutex_;
    std::unordered_map<std::string, std::unique_ptr<Value>> values_;
    Index free_;
};

}  // namespace pellucid
