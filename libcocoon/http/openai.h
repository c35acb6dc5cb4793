#pragma once
/// @file What the product knows of the OpenAI API: requests, answers and errors. A body is looked
/// at and spliced, never rebuilt: unknown and future fields pass through untouched.

#include "http/openai_answer.h"
#include "http/openai_error.h"
#include "http/openai_request.h"
