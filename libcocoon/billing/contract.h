#pragma once
/// @file Both contracts.

#include "billing/channel_contract.h"
#include "billing/proxy_contract.h"
